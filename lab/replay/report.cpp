#include "lab/replay/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "lab/dissect/dissect.h"

namespace pontoon::lab {
namespace {

std::string_view state_name(ClientOutcome::State state) noexcept {
  switch (state) {
    case ClientOutcome::State::waiting:
      return "waiting";
    case ClientOutcome::State::refused:
      return "refused";
    case ClientOutcome::State::talking:
      return "talking";
    case ClientOutcome::State::ended:
      return "ended";
    case ClientOutcome::State::reset:
      return "reset";
  }
  return "";
}

std::string_view event_name(FrameEvent event) noexcept {
  switch (event) {
    case FrameEvent::from_endpoint:
      return "sent";
    case FrameEvent::to_endpoint:
      return "received";
    case FrameEvent::dropped:
      return "dropped";
  }
  return "";
}

char direction(FrameEvent event) noexcept {
  switch (event) {
    case FrameEvent::from_endpoint:
      return '>';
    case FrameEvent::to_endpoint:
      return '<';
    case FrameEvent::dropped:
      return 'x';
  }
  return '?';
}

// Seconds with six decimals; what lies before the first event has a sign.
std::string seconds(std::int64_t nanoseconds) {
  const std::int64_t microseconds = nanoseconds / 1000;
  const std::int64_t size = microseconds < 0 ? -microseconds : microseconds;
  return fmt::format("{}{}.{:06}", microseconds < 0 ? "-" : "", size / 1'000'000, size % 1'000'000);
}

std::int64_t first_time(const ReplayResult& result) noexcept {
  return result.events.empty() ? 0 : result.events.front().time_ns;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += letter;
    }
  }
  return out + '"';
}

// "name": value, with what is needed before it.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  void close() { out_ += '}'; }

  void raw(std::string_view name, std::string_view value) {
    key(name);
    out_ += value;
  }
  void text(std::string_view name, std::string_view value) { raw(name, json_string(value)); }
  template <class Number>
  void number(std::string_view name, Number value) {
    raw(name, std::to_string(value));
  }
  template <class List, class Write>
  void list(std::string_view name, const List& items, Write write) {
    key(name);
    out_ += '[';
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ',';
      first = false;
      write(out_, item);
    }
    out_ += ']';
  }

 private:
  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += json_string(name) + ':';
  }

  std::string& out_;
  bool first_ = true;
};

void write_layer(std::string& out, const Layer& layer) {
  JsonObject object(out);
  object.text("protocol", layer.protocol);
  object.list("fields", layer.fields, [](std::string& text, const Field& field) {
    JsonObject pair(text);
    pair.text("name", field.name);
    pair.text("value", field.value);
    pair.close();
  });
  if (!layer.problem.empty()) object.text("problem", layer.problem);
  object.close();
}

// For tools with a decoder of their own.
std::string hexadecimal(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes)
    fmt::format_to(std::back_inserter(out), "{:02x}", byte);
  return out;
}

void write_event(std::string& out, const ReplayEvent& event, std::int64_t start) {
  const Dissection frame = dissect(event.frame);
  JsonObject object(out);
  object.number("time_ns", event.time_ns);
  object.text("time", seconds(event.time_ns - start));
  object.text("port", event.port);
  object.text("event", event_name(event.event));
  if (event.reason) object.text("reason", to_string(*event.reason));
  object.text("source", frame.source);
  object.text("target", frame.target);
  object.text("summary", frame.summary);
  object.number("length", event.frame.size());
  object.list("layers", frame.layers, write_layer);
  object.text("frame", hexadecimal(event.frame));
  object.close();
}

void write_endpoint(std::string& out, const control::EndpointInfo& endpoint) {
  JsonObject object(out);
  object.text("name", endpoint.name);
  object.text("network", endpoint.network);
  object.text("mac", endpoint.mac.to_string());
  object.text("ipv4", endpoint.ipv4.to_string());
  object.close();
}

void write_client(std::string& out, const ClientOutcome& client) {
  JsonObject object(out);
  object.text("state", state_name(client.state));
  object.text("received", client.received);
  object.close();
}

void write_drop(std::string& out, const control::DropInfo& drop) {
  JsonObject object(out);
  object.text("where", drop.where);
  object.text("reason", drop.reason);
  object.number("count", drop.count);
  object.close();
}

void write_beginning(JsonObject& object, const ReplayResult& result) {
  object.number("played", result.played);
  object.list("endpoints", result.endpoints, write_endpoint);
}

void write_end(JsonObject& object, const ReplayResult& result) {
  object.list("clients", result.clients, write_client);
  object.list("drops", result.drops, write_drop);
  object.list("notes", result.notes,
              [](std::string& text, const std::string& note) { text += json_string(note); });
}

// What a client got, without anything that could steer a terminal.
std::string shown(std::string_view text) {
  const std::string safe = json_string(text);
  constexpr std::size_t kShown = 200;
  return safe.size() <= kShown ? safe : safe.substr(0, kShown) + "...\"";
}

}  // namespace

std::string event_text(const ReplayEvent& event, std::int64_t start_ns, std::size_t port_width) {
  const Dissection frame = dissect(event.frame);
  std::string line = fmt::format("{:>10} {:<{}} {} ", seconds(event.time_ns - start_ns), event.port,
                                 port_width, direction(event.event));
  if (!frame.source.empty() || !frame.target.empty())
    line += fmt::format("{} -> {} ", frame.source, frame.target);
  if (event.event == FrameEvent::dropped)
    line += fmt::format("DROPPED {}: ", event.reason ? to_string(*event.reason) : "unknown");
  return line + frame.summary + '\n';
}

std::string event_json(const ReplayEvent& event, std::int64_t start_ns) {
  std::string out;
  write_event(out, event, start_ns);
  return out;
}

std::string conversation_text(const ReplayResult& result) {
  std::size_t port_width = 0;
  for (const ReplayEvent& event : result.events)
    port_width = std::max(port_width, event.port.size());
  std::string text;
  for (const ReplayEvent& event : result.events)
    text += event_text(event, first_time(result), port_width);
  return text + outcome_text(result);
}

std::string outcome_text(const ReplayResult& result) {
  std::string text;
  for (std::size_t i = 0; i < result.clients.size(); ++i)
    text += fmt::format("client {}: {}, received {}\n", i + 1, state_name(result.clients[i].state),
                        shown(result.clients[i].received));
  for (const control::DropInfo& drop : result.drops)
    text += fmt::format("dropped at {}: {} {}\n", drop.where, drop.count, drop.reason);
  for (const std::string& note : result.notes)
    text += fmt::format("note: {}\n", note);
  return text;
}

std::string conversation_json(const ReplayResult& result) {
  std::string out;
  JsonObject object(out);
  write_beginning(object, result);
  object.list("events", result.events, [&](std::string& text, const ReplayEvent& event) {
    write_event(text, event, first_time(result));
  });
  write_end(object, result);
  object.close();
  return out + '\n';
}

std::string outcome_json(const ReplayResult& result) {
  std::string out;
  JsonObject object(out);
  write_beginning(object, result);
  write_end(object, result);
  object.close();
  return out + '\n';
}

}  // namespace pontoon::lab
