// The daemon's side of the attach protocol (attach_message.h). A connection is an attachment: while
// it lives the endpoint lives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "control/api_routes.h"
#include "control/service.h"

namespace pontoon::control {

class AttachServer final : public Attachments {
 public:
  // `on_stop` is called once every agent was told that the daemon ends.
  AttachServer(boost::asio::io_context& io, Service& service, std::function<void()> on_stop);
  ~AttachServer() override;

  Status<> listen(const std::string& path);

  Status<> detach(std::string_view endpoint) override;
  void stop() override;

  // Leases were written (or failed to be): answers those whose reservation has become durable.
  void on_leases_written();
  // These endpoints' links have closed by themselves.
  void on_gone(const std::vector<std::string>& endpoints);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace pontoon::control
