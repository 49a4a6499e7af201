// What tests of the dissector look at.
#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "lab/dissect/dissect.h"

namespace pontoon::test {

using lab::Dissection;
using lab::Field;
using lab::Layer;

// "name: value" lines, the problem last.
inline std::vector<std::string> lines(const Layer& layer) {
  std::vector<std::string> out;
  for (const Field& field : layer.fields)
    out.push_back(field.name + ": " + field.value);
  if (!layer.problem.empty()) out.push_back("PROBLEM " + layer.problem);
  return out;
}

inline std::vector<std::string> protocols(const Dissection& dissection) {
  std::vector<std::string> out;
  for (const Layer& layer : dissection.layers)
    out.push_back(layer.protocol);
  return out;
}

inline const Layer& layer(const Dissection& dissection, const std::string& protocol) {
  for (const Layer& found : dissection.layers)
    if (found.protocol == protocol) return found;
  FAIL("no layer " << protocol);
  return dissection.layers.front();
}

inline std::string value(const Layer& layer, const std::string& name) {
  for (const Field& field : layer.fields)
    if (field.name == name) return field.value;
  return "(absent)";
}

using Lines = std::vector<std::string>;

}  // namespace pontoon::test
