// Two frames side by side. Layers are paired in their order while the protocols agree; a pair that
// is equal takes one line, of another pair only the fields that differ are shown. Where the
// protocols part, both are shown in full, line beside line.
#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "lab/dissect/dissect.h"
#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab {
namespace {

constexpr unsigned kMinWidth = 40;
constexpr std::string_view kSeparator = " | ";

// The page: rows of two columns behind a mark. Long cells continue in the next line, so that no
// difference is cut off.
class Page {
 public:
  explicit Page(unsigned width)
      : column_((std::max(width, kMinWidth) - 2 - kSeparator.size()) / 2) {}

  void row(const std::string& left, const std::string& right) { row(left != right, left, right); }
  void row(bool differs, std::string_view left, std::string_view right) {
    do {
      std::string line = fmt::format("{} {:<{}}{}{}", differs ? '!' : ' ', cut(left), column_,
                                     kSeparator, cut(right));
      line.erase(line.find_last_not_of(' ') + 1);
      text_ += line + '\n';
    } while (!left.empty() || !right.empty());
  }
  void line(std::string_view text) { text_ += fmt::format("  {}\n", text); }

  std::string take() { return std::move(text_); }

 private:
  // The first line of a cell, which loses it.
  std::string_view cut(std::string_view& cell) const noexcept {
    const std::string_view head = cell.substr(0, column_);
    cell.remove_prefix(head.size());
    return head;
  }

  std::size_t column_;
  std::string text_;
};

std::string shown(const Field& field) {
  return fmt::format("  {}: {}", field.name, field.value);
}

bool equal(const Field& left, const Field& right) {
  return left.name == right.name && left.value == right.value;
}

// With the problem as the last one.
std::vector<Field> fields_of(const Layer& layer) {
  std::vector<Field> fields = layer.fields;
  if (!layer.problem.empty()) fields.push_back({"problem", layer.problem});
  return fields;
}

// The first field of that name that is still there.
std::vector<Field>::iterator find_name(std::vector<Field>& fields, const std::string& name) {
  return std::find_if(fields.begin(), fields.end(),
                      [&](const Field& field) { return field.name == name; });
}

std::string names_of(const std::vector<Field>& fields) {
  std::string text = "  in the order";
  for (const Field& field : fields)
    text += ' ' + field.name + ',';
  text.pop_back();
  return text;
}

// Rows for fields of two layers of one protocol that differ.
void compare_fields(const Layer& left_layer, const Layer& right_layer, Page& page) {
  const std::vector<Field> left = fields_of(left_layer);
  std::vector<Field> right = fields_of(right_layer);
  const std::string right_order = names_of(right);
  std::size_t same = 0;
  bool differs = false;
  for (const Field& field : left) {
    const auto partner = find_name(right, field.name);
    if (partner != right.end() && equal(field, *partner)) {
      ++same;
    } else {
      page.row(true, shown(field), partner == right.end() ? "" : shown(*partner));
      differs = true;
    }
    if (partner != right.end()) right.erase(partner);
  }
  for (const Field& field : right)
    page.row(true, "", shown(field));
  if (!differs && right.empty()) page.row(true, names_of(left), right_order);
  if (same > 0) page.line(fmt::format("  {} field{} equal", same, same == 1 ? "" : "s"));
}

bool equal(const Layer& left, const Layer& right) {
  return left.protocol == right.protocol && left.problem == right.problem &&
         std::equal(left.fields.begin(), left.fields.end(), right.fields.begin(),
                    right.fields.end(),
                    [](const Field& one, const Field& other) { return equal(one, other); });
}

std::vector<std::string> lines_from(const std::vector<Layer>& layers, std::size_t first) {
  std::vector<std::string> lines;
  for (std::size_t i = first; i < layers.size(); ++i) {
    lines.push_back(layers[i].protocol);
    for (const Field& field : fields_of(layers[i]))
      lines.push_back(shown(field));
  }
  return lines;
}

void compare_rest(const std::vector<Layer>& left, const std::vector<Layer>& right,
                  std::size_t first, Page& page) {
  const std::vector<std::string> left_lines = lines_from(left, first);
  const std::vector<std::string> right_lines = lines_from(right, first);
  for (std::size_t i = 0; i < std::max(left_lines.size(), right_lines.size()); ++i)
    page.row(true, i < left_lines.size() ? left_lines[i] : "",
             i < right_lines.size() ? right_lines[i] : "");
}

// False: every layer is the same.
bool compare_layers(const std::vector<Layer>& left, const std::vector<Layer>& right, Page& page) {
  std::size_t at = 0;
  bool same = true;
  for (; at < std::min(left.size(), right.size()); ++at) {
    if (left[at].protocol != right[at].protocol) break;
    if (equal(left[at], right[at])) {
      page.line(left[at].protocol + ": equal");
      continue;
    }
    same = false;
    page.row(true, left[at].protocol, right[at].protocol);
    compare_fields(left[at], right[at], page);
  }
  if (at == left.size() && at == right.size()) return !same;
  compare_rest(left, right, at, page);
  return true;
}

// What no field shows: bytes of padding, reserved bits.
void compare_bytes(ByteView left, ByteView right, Page& page) {
  constexpr std::size_t kShown = 16;
  const auto [left_end, right_end] =
      std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  if (left_end == left.end() && right_end == right.end()) return;
  const auto at = static_cast<std::size_t>(left_end - left.begin());
  const auto piece = [&](ByteView bytes) {
    return "  " + layers::hex(bytes.subspan(at, std::min(kShown, bytes.size() - at)));
  };
  page.row(true, fmt::format("bytes from {}", at), fmt::format("bytes from {}", at));
  page.row(true, piece(left), piece(right));
}

Dissection dissect_or_nothing(ByteView frame) {
  if (!frame.empty()) return dissect(frame);
  Dissection nothing;
  nothing.summary = "(no frame)";
  return nothing;
}

}  // namespace

std::string side_by_side(ByteView expected, ByteView got, unsigned width) {
  const Dissection left = dissect_or_nothing(expected);
  const Dissection right = dissect_or_nothing(got);
  Page page(width);
  page.row(false, "expected", "got");
  page.row(left.summary, right.summary);
  if (!compare_layers(left.layers, right.layers, page)) compare_bytes(expected, got, page);
  return page.take();
}

}  // namespace pontoon::lab
