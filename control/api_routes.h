// The REST API's verbs, independent of HTTP's transport.
//
//   GET    /v1/version
//   GET    /v1/endpoints             GET /v1/endpoints/NAME      DELETE /v1/endpoints/NAME
//   GET    /v1/networks              GET /v1/networks/NAME       DELETE /v1/networks/NAME
//   POST   /v1/networks  {NetworkRequest}
//   GET    /v1/networks/NAME/drops
//   GET    /v1/impairments           POST /v1/impairments  {ImpairmentRequest}
//   POST   /v1/impairments/clear  {"target":…}
//   GET    /v1/leases                GET /v1/flows
//   POST   /v1/stop
//
// Errors are {"error":{"code":…,"message":…}} with the HTTP status that fits the code.
#pragma once

#include <string>
#include <string_view>

#include "control/service.h"

namespace pontoon::control {

struct ApiRequest {
  std::string_view method;  // "GET"
  std::string_view target;  // "/v1/endpoints/web"
  std::string_view body;
};

struct ApiResponse {
  unsigned status = 200;
  std::string body;
};

// What the API can do to attachments, which the attach server holds.
class Attachments {
 public:
  virtual ~Attachments() = default;
  virtual Status<> detach(std::string_view endpoint) = 0;
  virtual void stop() = 0;  // the daemon ends
};

ApiResponse answer(Service& service, Attachments& attachments, const ApiRequest& request);

}  // namespace pontoon::control
