// HTTP over the control socket. Bounded: connections, header and body size, time per request.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "control/api_routes.h"

namespace pontoon::control {

class ApiServer {
 public:
  ApiServer(boost::asio::io_context& io, Service& service, Attachments& attachments);
  ~ApiServer();

  Status<> listen(const std::string& path);
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace pontoon::control
