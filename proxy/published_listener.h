// One published TCP port at one address of the host: accepts, in bounded batches, and hands every
// connection to the TCP engine as a flow from the client to the endpoint.
#pragma once

#include <memory>

#include "core/socket/host_network.h"
#include "proxy/intrusive_list.h"
#include "proxy/published_port.h"

namespace pontoon::proxy {

class PublishedListener final : public ListenerHandler {
 public:
  PublishedListener(PublisherContext& context, IntrusiveList<PublishedListener>& ready,
                    std::unique_ptr<Listener> listener, const PublishedTo& to) noexcept;

  void on_ready() noexcept override;
  void accept_batch(Instant now) noexcept;
  void retarget(const PublishTarget& target) noexcept { to_.target = target; }

 private:
  void on_pause_over(Instant now);
  void pause(Instant now) noexcept;
  void hand_over(AcceptedStream accepted, Instant now) noexcept;

  PublisherContext& context_;
  IntrusiveList<PublishedListener>& ready_list_;
  std::unique_ptr<Listener> listener_;
  PublishedTo to_;
  ListHook<PublishedListener> ready_{*this};
  Timer pause_ = Timer::bind<&PublishedListener::on_pause_over>(*this);
};

}  // namespace pontoon::proxy
