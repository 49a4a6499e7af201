#include "control/client.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "control/json.h"
#include "control/local_socket.h"

namespace pontoon::control {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

constexpr auto kTimeout = std::chrono::seconds(20);
// A listing of 4,096 endpoints is about 3 MB.
constexpr std::size_t kAnswerBytes = 64U << 20;

class Exchange {
 public:
  Exchange(int fd, std::string_view method, std::string_view target, std::string_view body)
      : socket_(io_, Local(), fd),
        request_(http::string_to_verb({method.data(), method.size()}),
                 {target.data(), target.size()}, 11) {
    request_.set(http::field::host, "pontoon");
    request_.keep_alive(false);
    request_.body() = std::string(body);
    request_.prepare_payload();
    answer_.body_limit(kAnswerBytes);
  }

  bool run() {
    http::async_write(
        socket_, request_, [this](const boost::system::error_code& error, std::size_t) {
          if (error) return;
          http::async_read(
              socket_, buffer_, answer_,
              [this](const boost::system::error_code& failed, std::size_t) { done_ = !failed; });
        });
    io_.run_for(kTimeout);
    return done_;
  }

  unsigned status() const { return answer_.get().result_int(); }
  std::string take_body() { return std::move(answer_.get().body()); }

 private:
  asio::io_context io_{1};
  Local::socket socket_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> answer_;
  boost::beast::flat_buffer buffer_;
  bool done_ = false;
};

}  // namespace

Result<std::string> Client::call(std::string_view method, std::string_view target,
                                 std::string_view body) const {
  auto fd = connect_local(paths_.api_socket(), SOCK_STREAM);
  if (!fd) return fd.error();
  Exchange exchange(fd->release(), method, target, body);
  if (!exchange.run()) {
    return Error{ErrorCode::unavailable, fmt::format("the daemon at {} did not answer; see {}",
                                                     paths_.api_socket(), paths_.log_file())};
  }
  std::string answer = exchange.take_body();
  if (exchange.status() == 200) return answer;
  return decode_error(answer);
}

}  // namespace pontoon::control
