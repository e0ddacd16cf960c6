#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/suggest.h"
#include "harness/runner/builtin_catalog.h"

namespace crudbench {

namespace {

constexpr CommandSpec kSpec{
    .name = "list",
    .arguments = "[AXIS]",
    .summary = "List every member of every axis, with a summary and an example.",
    .max_positionals = 1,
    .examples =
        "  crudbench list\n"
        "  crudbench list retriever\n"
        "  crudbench list metric --json\n"};

/// The members of one registry as JSON: [{"type", "summary", "example"}].
template <class AxisRegistry>
void add_axis(Json& axes, const AxisRegistry& registry) {
  Json members = Json::array();
  for (const auto& [name, entry] : registry.entries()) {
    members.push_back({{"type", name}, {"summary", entry.summary}, {"example", entry.example}});
  }
  axes.push_back({{"axis", registry.axis()}, {"members", std::move(members)}});
}

ExitCode run(const Arguments& arguments) {
  const Catalog& catalog = builtin_catalog();
  Json axes = Json::array();  // In the order of the data flow.
  add_axis(axes, catalog.datasets);
  add_axis(axes, catalog.chunkers);
  add_axis(axes, catalog.embedders);
  add_axis(axes, catalog.indexes);
  add_axis(axes, catalog.retrievers);
  add_axis(axes, catalog.tasks);
  add_axis(axes, catalog.generators);
  add_axis(axes, catalog.metrics);
  if (!arguments.positionals().empty()) {
    const std::string& wanted = arguments.positionals().front();
    std::vector<std::string> names;
    Json chosen = Json::array();
    for (const Json& axis : axes) {
      names.push_back(axis.at("axis").get<std::string>());
      if (names.back() == wanted) {
        chosen.push_back(axis);
      }
    }
    if (chosen.empty()) {
      throw Error(ErrorCode::kInvalidConfig,
                  "list: unknown axis '" + wanted + "'" + suggestion(wanted, names));
    }
    axes = std::move(chosen);
  }
  if (arguments.has("json")) {
    print_json(axes);
    return ExitCode::kDone;
  }
  std::string text;
  for (const Json& axis : axes) {
    text += (text.empty() ? "" : "\n") + axis.at("axis").get<std::string>() + "\n";
    for (const Json& member : axis.at("members")) {
      text += "  " + member.at("type").get<std::string>() + "  " +
              member.at("summary").get<std::string>() + "\n      " + to_text(member.at("example")) +
              "\n";
    }
  }
  print(text);
  return ExitCode::kDone;
}

}  // namespace

const Command kListCommand{kSpec, run};

}  // namespace crudbench
