#include "control/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <type_traits>

#include "control/text.h"

namespace pontoon::control {
namespace {

namespace json = boost::json;

// One list of fields per type serves both directions.

template <class Visitor>
void fields(Visitor& visit, NetworkSpec& it) {
  visit("id", it.id);
  visit("name", it.name);
  visit("subnet", it.subnet);
  visit("gateway", it.gateway);
  visit("mtu", it.mtu);
  visit("internal", it.internal);
  visit("allow_host_loopback", it.allow_host_loopback);
  visit("created", it.created);
}

template <class Visitor>
void fields(Visitor& visit, NetworkRequest& it) {
  visit("name", it.name);
  visit("subnet", it.subnet);
  visit("gateway", it.gateway);
  visit("mtu", it.mtu);
  visit("internal", it.internal);
  visit("allow_host_loopback", it.allow_host_loopback);
}

template <class Visitor>
void fields(Visitor& visit, NetworkInfo& it) {
  visit("network", it.spec);
  visit("endpoints", it.endpoints);
}

template <class Visitor>
void fields(Visitor& visit, EndpointRequest& it) {
  visit("name", it.name);
  visit("network", it.network);
  visit("hostname", it.hostname);
  visit("ip", it.ip);
  visit("mac", it.mac);
  visit("aliases", it.aliases);
  visit("publish", it.publish);
  visit("expose", it.expose);
  visit("publish_all", it.publish_all);
  visit("dhcp", it.dhcp);
  visit("command", it.command);
  visit("pid", it.pid);
}

template <class Visitor>
void fields(Visitor& visit, PortMapping& it) {
  visit("protocol", it.protocol);
  visit("container_port", it.container_port);
  visit("host_ip", it.host.ip);
  visit("host_port", it.host.port);
}

template <class Visitor>
void fields(Visitor& visit, EndpointInfo& it) {
  visit("id", it.id);
  visit("name", it.name);
  visit("network", it.network);
  visit("hostname", it.hostname);
  visit("aliases", it.aliases);
  visit("mac", it.mac);
  visit("address", it.ipv4);
  visit("status", it.status);
  visit("link", it.link);
  visit("command", it.command);
  visit("pid", it.pid);
  visit("dhcp", it.dhcp);
  visit("created", it.created);
  visit("ports", it.ports);
  visit("ports_text", it.ports_text);
  visit("received_frames", it.received_frames);
  visit("sent_frames", it.sent_frames);
  visit("dropped_frames", it.dropped_frames);
  visit("impairments", it.impairments);
}

template <class Visitor>
void fields(Visitor& visit, EndpointSettings& it) {
  visit("endpoint", it.info);
  visit("gateway", it.gateway);
  visit("mtu", it.mtu);
  visit("search", it.search);
}

template <class Visitor>
void fields(Visitor& visit, LeaseInfo& it) {
  visit("network", it.network);
  visit("address", it.address);
  visit("mac", it.mac);
  visit("name", it.name);
  visit("state", it.state);
  visit("expires_in_s", it.expires_in_s);
}

template <class Visitor>
void fields(Visitor& visit, FlowInfo& it) {
  visit("network", it.network);
  visit("protocol", it.protocol);
  visit("initiator_ip", it.initiator.ip);
  visit("initiator_port", it.initiator.port);
  visit("target_ip", it.target.ip);
  visit("target_port", it.target.port);
  visit("state", it.state);
  visit("bytes_out", it.bytes_out);
  visit("bytes_in", it.bytes_in);
}

template <class Visitor>
void fields(Visitor& visit, ImpairmentRequest& it) {
  visit("target", it.target);
  visit("words", it.words);
  visit("seed", it.seed);
}

template <class Visitor>
void fields(Visitor& visit, ImpairmentInfo& it) {
  visit("network", it.network);
  visit("target", it.target);
  visit("impairment", it.impairment);
  visit("seed", it.seed);
  visit("age_s", it.age_s);
  visit("ends_in_s", it.ends_in_s);
  visit("passed", it.passed);
  visit("lost", it.lost);
  visit("duplicated", it.duplicated);
  visit("reordered", it.reordered);
  visit("corrupted", it.corrupted);
}

template <class Visitor>
void fields(Visitor& visit, DropInfo& it) {
  visit("where", it.where);
  visit("reason", it.reason);
  visit("count", it.count);
}

template <class Visitor>
void fields(Visitor& visit, LinkDescription& it) {
  visit("kind", it.kind);
  visit("interface", it.interface);
  visit("checksum", it.checksum);
  visit("tso", it.tso);
  visit("uso", it.uso);
}

template <class Visitor>
void fields(Visitor& visit, CaptureRequest& it) {
  visit("target", it.target);
  visit("filter", it.filter);
  visit("snap_length", it.snap_length);
  visit("last_ms", it.last_ms);
}

template <class Visitor>
void fields(Visitor& visit, CaptureCounts& it) {
  visit("captured", it.captured);
  visit("filtered", it.filtered);
  visit("missed", it.missed);
}

template <class Visitor>
void fields(Visitor& visit, AttachMessage& it) {
  visit("op", it.op);
  visit("version", it.version);
  visit("request", it.request);
  visit("settings", it.settings);
  visit("link", it.link);
  visit("code", it.code);
  visit("message", it.message);
  visit("capture", it.capture);
  visit("counts", it.counts);
}

template <class Enum>
struct Spelling {
  Enum value;
  std::string_view text;
};
constexpr Spelling<Protocol> kProtocols[] = {{Protocol::tcp, "tcp"}, {Protocol::udp, "udp"}};
constexpr Spelling<EndpointStatus> kStatuses[] = {{EndpointStatus::reserved, "reserved"},
                                                  {EndpointStatus::up, "up"}};
constexpr Spelling<AttachOp> kOps[] = {
    {AttachOp::reserve, "reserve"},     {AttachOp::reserved, "reserved"},
    {AttachOp::link, "link"},           {AttachOp::attached, "attached"},
    {AttachOp::detached, "detached"},   {AttachOp::stopping, "stopping"},
    {AttachOp::error, "error"},         {AttachOp::capture, "capture"},
    {AttachOp::capturing, "capturing"}, {AttachOp::note, "note"},
    {AttachOp::captured, "captured"}};
constexpr std::span<const Spelling<Protocol>> spellings(Protocol) {
  return kProtocols;
}
constexpr std::span<const Spelling<EndpointStatus>> spellings(EndpointStatus) {
  return kStatuses;
}
constexpr std::span<const Spelling<AttachOp>> spellings(AttachOp) {
  return kOps;
}

// Types that are written as one string.
template <class T>
concept Textual = requires(const T& value, std::string_view text) {
  { value.to_string() } -> std::convertible_to<std::string>;
  { T::parse(text) } -> std::same_as<std::optional<T>>;
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

class Encoder {
 public:
  template <class T>
  static json::value value(const T& from) {
    if constexpr (std::is_same_v<T, std::string>) {
      return json::string(to_utf8(from));
    } else if constexpr (std::is_same_v<T, bool> || std::is_integral_v<T>) {
      return json::value(from);
    } else if constexpr (std::is_enum_v<T>) {
      for (const auto& spelling : spellings(T{})) {
        if (spelling.value == from) return json::string(spelling.text);
      }
      return nullptr;
    } else if constexpr (std::is_same_v<T, WallTime>) {
      return from.time_since_epoch().count();
    } else if constexpr (Textual<T>) {
      return json::string(from.to_string());
    } else if constexpr (IsVector<T>::value) {
      json::array array;
      for (const auto& item : from)
        array.push_back(value(item));
      return array;
    } else {
      Encoder encoder;
      fields(encoder, const_cast<T&>(from));
      return std::move(encoder.object_);
    }
  }

  // Absent optionals, and the empty strings of attach messages, take no room.
  template <class T>
  void operator()(std::string_view name, const T& field) {
    if constexpr (IsOptional<T>::value) {
      if (field) object_[name] = value(*field);
    } else {
      object_[name] = value(field);
    }
  }

 private:
  json::object object_;
};

// Fields that are absent keep their default; fields that nobody asked for are an error.
class Decoder {
 public:
  explicit Decoder(const json::object& object) : object_(object) {}

  template <class T>
  void operator()(std::string_view name, T& field) {
    known_.push_back(name);
    const json::value* found = object_.if_contains(name);
    if (found == nullptr || found->is_null() || !problem_.empty()) return;
    read(name, *found, field);
  }

  std::string finish() {
    for (const auto& member : object_) {
      if (std::find(known_.begin(), known_.end(), std::string_view(member.key())) == known_.end() &&
          problem_.empty()) {
        problem_ = fmt::format("unknown field \"{}\"", std::string_view(member.key()));
      }
    }
    return std::move(problem_);
  }

  template <class T>
  static std::string object(const json::value& from, T& into) {
    if (!from.is_object()) return "expected an object";
    Decoder decoder(from.get_object());
    fields(decoder, into);
    return decoder.finish();
  }

 private:
  template <class T>
  void read(std::string_view name, const json::value& from, T& into) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!from.is_bool()) return wrong(name, "true or false");
      into = from.get_bool();
    } else if constexpr (std::is_integral_v<T>) {
      read_integer(name, from, into);
    } else if constexpr (IsOptional<T>::value) {
      read(name, from, into.emplace());
    } else if constexpr (IsVector<T>::value) {
      if (!from.is_array()) return wrong(name, "a list");
      for (const json::value& item : from.get_array())
        read(name, item, into.emplace_back());
    } else if constexpr (std::is_same_v<T, WallTime>) {
      std::int64_t seconds = 0;
      read_integer(name, from, seconds);
      into = WallTime(std::chrono::seconds(seconds));
    } else if constexpr (std::is_same_v<T, std::string> || std::is_enum_v<T> || Textual<T>) {
      if (!from.is_string()) return wrong(name, "a string");
      read_text(name, std::string_view(from.get_string()), into);
    } else {
      if (std::string problem = object(from, into); !problem.empty()) {
        problem_ = fmt::format("{}: {}", name, problem);
      }
    }
  }

  template <class T>
  void read_text(std::string_view name, std::string_view text, T& into) {
    if constexpr (std::is_same_v<T, std::string>) {
      into = std::string(text);
    } else if constexpr (std::is_enum_v<T>) {
      for (const auto& spelling : spellings(T{})) {
        if (spelling.text == text) {
          into = spelling.value;
          return;
        }
      }
      wrong(name, "one of its known words");
    } else {
      const auto parsed = T::parse(text);
      if (!parsed) return wrong(name, "an address of its kind");
      into = *parsed;
    }
  }

  template <class T>
  void read_integer(std::string_view name, const json::value& from, T& into) {
    boost::system::error_code error;
    const T number = from.to_number<T>(error);
    if (error) return wrong(name, "a whole number in range");
    into = number;
  }

  void wrong(std::string_view name, std::string_view expected) {
    if (problem_.empty()) problem_ = fmt::format("\"{}\" must be {}", name, expected);
  }

  const json::object& object_;
  std::vector<std::string_view> known_;
  std::string problem_;
};

Error invalid(std::string_view problem) {
  return Error{ErrorCode::invalid_argument, fmt::format("Invalid JSON: {}", problem)};
}

template <class T>
std::string decode_into(const json::value& from, T& into) {
  if constexpr (IsVector<T>::value) {
    if (!from.is_array()) return "expected a list";
    for (const json::value& item : from.get_array()) {
      if (std::string problem = Decoder::object(item, into.emplace_back()); !problem.empty())
        return problem;
    }
    return {};
  } else {
    return Decoder::object(from, into);
  }
}

void indent(std::string& out, const json::value& value, std::size_t depth) {
  const std::string margin(depth * 2, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    std::string_view separator = "{\n";
    for (const auto& member : value.get_object()) {
      out +=
          fmt::format("{}{}  {}: ", separator, margin, json::serialize(json::string(member.key())));
      indent(out, member.value(), depth + 1);
      separator = ",\n";
    }
    out += fmt::format("\n{}}}", margin);
  } else if (value.is_array() && !value.get_array().empty()) {
    std::string_view separator = "[\n";
    for (const json::value& item : value.get_array()) {
      out += fmt::format("{}{}  ", separator, margin);
      indent(out, item, depth + 1);
      separator = ",\n";
    }
    out += fmt::format("\n{}]", margin);
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

template <class T>
std::string encode(const T& value) {
  return json::serialize(Encoder::value(value));
}

template <class T>
Result<T> decode(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse(text, error);
  if (error) return invalid(error.message());
  T value{};
  if (const std::string problem = decode_into(parsed, value); !problem.empty())
    return invalid(problem);
  return value;
}

std::string encode_error(const Error& error) {
  json::object inner;
  inner["code"] = json::string(to_string(error.code));
  inner["message"] = json::string(to_utf8(error.message));
  json::object outer;
  outer["error"] = std::move(inner);
  return json::serialize(outer);
}

Error decode_error(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse(text, error);
  const json::object* outer = error ? nullptr : parsed.if_object();
  const json::value* inner = outer == nullptr ? nullptr : outer->if_contains("error");
  const json::object* object = inner == nullptr ? nullptr : inner->if_object();
  if (object == nullptr || !object->contains("code") || !object->contains("message")) {
    return Error{ErrorCode::internal, "the daemon's answer made no sense"};
  }
  const json::string* code = object->at("code").if_string();
  const json::string* message = object->at("message").if_string();
  if (code == nullptr || message == nullptr)
    return Error{ErrorCode::internal, "the daemon's answer made no sense"};
  return Error{error_code(std::string_view(*code)), std::string(*message)};
}

std::string pretty(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse(text, error);
  if (error) return std::string(text);
  std::string out;
  indent(out, parsed, 0);
  return out;
}

#define INSTANTIATE(type)                   \
  template std::string encode(const type&); \
  template Result<type> decode(std::string_view)
INSTANTIATE(NetworkSpec);
INSTANTIATE(NetworkRequest);
INSTANTIATE(NetworkInfo);
INSTANTIATE(EndpointInfo);
INSTANTIATE(ImpairmentRequest);
INSTANTIATE(ImpairmentInfo);
INSTANTIATE(AttachMessage);
INSTANTIATE(std::vector<NetworkInfo>);
INSTANTIATE(std::vector<EndpointInfo>);
INSTANTIATE(std::vector<LeaseInfo>);
INSTANTIATE(std::vector<FlowInfo>);
INSTANTIATE(std::vector<DropInfo>);
INSTANTIATE(std::vector<ImpairmentInfo>);
#undef INSTANTIATE

}  // namespace pontoon::control
