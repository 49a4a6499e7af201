// The client's side of the attach protocol, for the agent. See attach_message.h.
#pragma once

#include <memory>

#include "bridge/netns/session.h"
#include "control/attach_message.h"
#include "control/paths.h"
#include "core/base/unique_fd.h"

namespace pontoon::control {

class DaemonSession final : public bridge::AttachSession {
 public:
  // Reserves the endpoint; blocks until its lease is durable.
  static Result<std::unique_ptr<DaemonSession>> open(const Paths& paths,
                                                     const EndpointRequest& request);

  const EndpointSettings& settings() const noexcept { return settings_; }
  bridge::EndpointConfig config() const;

  int fd() const override { return socket_.get(); }
  Status<> hand_over(const bridge::LinkHandle& link) override;
  Event next_event(std::string& reason) override;
  Status<> reconnect(const bridge::LinkHandle& link) override;

 private:
  DaemonSession(Paths paths, EndpointRequest request)
      : paths_(std::move(paths)), request_(std::move(request)) {}
  Status<> reserve();
  Result<AttachMessage> exchange(const AttachMessage& message, int fd = -1);

  Paths paths_;
  EndpointRequest request_;
  EndpointSettings settings_;
  UniqueFd socket_;
};

}  // namespace pontoon::control
