#include "control/api_routes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <vector>

#include "control/json.h"

namespace pontoon::control {
namespace {

unsigned status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return 400;
    case ErrorCode::permission_denied:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::already_exists:
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::unsupported:
      return 501;
    case ErrorCode::exhausted:
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

ApiResponse failure(const Error& error) {
  return {status_of(error.code), encode_error(error)};
}

template <class T>
ApiResponse success(const T& value) {
  return {200, encode(value)};
}

template <class T>
ApiResponse from_result(const Result<T>& result) {
  return result ? success(*result) : failure(result.error());
}

ApiResponse from_status(const Status<>& status) {
  return status ? ApiResponse{200, "{}"} : failure(status.error());
}

std::vector<std::string_view> segments(std::string_view target) {
  std::vector<std::string_view> out;
  target = target.substr(0, target.find('?'));
  while (!target.empty()) {
    target.remove_prefix(1);
    const std::size_t slash = target.find('/');
    out.push_back(target.substr(0, slash));
    target = slash == std::string_view::npos ? std::string_view{} : target.substr(slash);
  }
  return out;
}

ApiResponse create_network(Service& service, std::string_view body) {
  const auto request = decode<NetworkRequest>(body);
  if (!request) return failure(request.error());
  return from_result(service.create_network(*request));
}

ApiResponse on_networks(Service& service, std::string_view method,
                        const std::vector<std::string_view>& path, std::string_view body) {
  if (path.size() == 2 && method == "GET") return success(service.networks());
  if (path.size() == 2 && method == "POST") return create_network(service, body);
  if (path.size() == 3 && method == "GET") return from_result(service.network(path[2]));
  if (path.size() == 3 && method == "DELETE") return from_status(service.remove_network(path[2]));
  if (path.size() == 4 && path[3] == "drops" && method == "GET")
    return from_result(service.drops(path[2]));
  return failure({ErrorCode::invalid_argument, "no such verb for networks"});
}

ApiResponse on_endpoints(Service& service, Attachments& attachments, std::string_view method,
                         const std::vector<std::string_view>& path) {
  if (path.size() == 2 && method == "GET") return success(service.endpoints());
  if (path.size() == 3 && method == "GET") return from_result(service.endpoint(path[2]));
  if (path.size() == 3 && method == "DELETE") return from_status(attachments.detach(path[2]));
  return failure({ErrorCode::invalid_argument, "no such verb for endpoints"});
}

ApiResponse on_impairments(Service& service, std::string_view method,
                           const std::vector<std::string_view>& path, std::string_view body) {
  if (path.size() == 2 && method == "GET") return success(service.impairments());
  const bool clear = path.size() == 3 && path[2] == "clear";
  if (method != "POST" || (path.size() != 2 && !clear))
    return failure({ErrorCode::invalid_argument, "no such verb for impairments"});
  const auto request = decode<ImpairmentRequest>(body);
  if (!request) return failure(request.error());
  if (!clear) return from_result(service.impair(*request));
  const auto cleared = service.clear_impairments(request->target);
  if (!cleared) return failure(cleared.error());
  return {200, fmt::format(R"({{"cleared":{}}})", *cleared)};
}

}  // namespace

ApiResponse answer(Service& service, Attachments& attachments, const ApiRequest& request) {
  const auto path = segments(request.target);
  const bool known = path.size() >= 2 && path[0] == "v1";
  if (known && path[1] == "networks")
    return on_networks(service, request.method, path, request.body);
  if (known && path[1] == "endpoints")
    return on_endpoints(service, attachments, request.method, path);
  if (known && path[1] == "impairments")
    return on_impairments(service, request.method, path, request.body);
  if (known && path.size() == 2 && request.method == "GET") {
    if (path[1] == "leases") return success(service.leases());
    if (path[1] == "flows") return success(service.flows());
    if (path[1] == "version") {
      return {200, fmt::format(R"({{"version":"{}","api":1,"pid":{}}})", kVersion, getpid())};
    }
  }
  if (known && path.size() == 2 && path[1] == "stop" && request.method == "POST") {
    attachments.stop();
    return {200, "{}"};
  }
  return failure({ErrorCode::not_found,
                  fmt::format("no such resource: {} {}", request.method, request.target)});
}

}  // namespace pontoon::control
