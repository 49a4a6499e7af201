#include "control/api_server.h"

#include <sys/socket.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "control/json.h"
#include "control/local_socket.h"
#include "core/base/limits.h"

namespace pontoon::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using LocalStream = beast::basic_stream<Local>;

}  // namespace

class ApiServer::Impl : public std::enable_shared_from_this<ApiServer::Impl> {
 public:
  Impl(asio::io_context& io, Service& service, Attachments& attachments)
      : acceptor_(io), pause_(io), service_(service), attachments_(attachments) {}

  Status<> listen(const std::string& path) {
    auto fd = listen_local(path, SOCK_STREAM);
    if (!fd) return fd.error();
    acceptor_.assign(Local(), fd->release());
    accept();
    return {};
  }

  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  class Connection;

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const boost::system::error_code& error, Local::socket socket) {
          if (!self->acceptor_.is_open()) return;
          if (error) return self->accept_later();
          self->start(std::move(socket));
          self->accept();
        });
  }

  // Out of descriptors: the connection still waits, and trying again at once would spin.
  void accept_later() {
    pause_.expires_after(limits::kAcceptPause);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
      if (self->acceptor_.is_open()) self->accept();
    });
  }

  void start(Local::socket socket);

  Local::acceptor acceptor_;
  asio::steady_timer pause_;
  Service& service_;
  Attachments& attachments_;
  std::size_t connections_ = 0;
};

class ApiServer::Impl::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Impl> server, Local::socket socket)
      : server_(std::move(server)), stream_(std::move(socket)) {
    ++server_->connections_;
  }
  ~Connection() { --server_->connections_; }

  void read() {
    parser_.emplace();
    parser_->header_limit(limits::kApiHeaderBytes);
    parser_->body_limit(limits::kApiBodyBytes);
    stream_.expires_after(std::chrono::duration_cast<std::chrono::seconds>(limits::kApiTimeout));
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const boost::system::error_code& error,
                                                 std::size_t) { self->on_read(error); });
  }

 private:
  void on_read(const boost::system::error_code& error) {
    if (error == http::error::body_limit || error == http::error::header_limit) {
      return write({413, encode_error({ErrorCode::invalid_argument, "the request is too long"})},
                   false);
    }
    if (error) return;
    const auto& request = parser_->get();
    const ApiRequest asked{std::string_view(request.method_string()),
                           std::string_view(request.target()), request.body()};
    write(answer(server_->service_, server_->attachments_, asked), request.keep_alive());
  }

  void write(ApiResponse response, bool keep_alive) {
    response_.emplace(http::int_to_status(response.status), 11);
    response_->set(http::field::content_type, "application/json");
    response_->keep_alive(keep_alive);
    response_->body() = std::move(response.body);
    response_->prepare_payload();
    http::async_write(stream_, *response_,
                      [self = shared_from_this(), keep_alive](
                          const boost::system::error_code& error, std::size_t) {
                        if (!error && keep_alive) self->read();
                      });
  }

  std::shared_ptr<Impl> server_;
  LocalStream stream_;
  beast::flat_buffer buffer_{limits::kApiHeaderBytes + limits::kApiBodyBytes};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
};

void ApiServer::Impl::start(Local::socket socket) {
  if (connections_ >= limits::kApiConnections || !peer_allowed(socket.native_handle())) return;
  std::make_shared<Connection>(shared_from_this(), std::move(socket))->read();
}

ApiServer::ApiServer(asio::io_context& io, Service& service, Attachments& attachments)
    : impl_(std::make_shared<Impl>(io, service, attachments)) {}
ApiServer::~ApiServer() {
  impl_->close();
}
Status<> ApiServer::listen(const std::string& path) {
  return impl_->listen(path);
}
void ApiServer::close() {
  impl_->close();
}

}  // namespace pontoon::control
