#include "harness/runner/plan_tree.h"

#include <algorithm>
#include <map>

namespace crudbench {

namespace {

constexpr const char* kRetrievalKind = "retrieval";

/// The keys of `parameters` that are new or different from `above`.
Json added_parameters(const Json& parameters, const Json& above) {
  Json added = Json::object();
  for (const auto& [key, value] : parameters.items()) {
    if (!above.is_object() || !above.contains(key) || above.at(key) != value) {
      added[key] = value;
    }
  }
  return added;
}

void append_parameter(std::string& types, std::string& options, const std::string& path,
                      const Json& value) {
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      const bool is_top = path.empty() || value.contains("type");
      append_parameter(types, options, is_top || key == "type" ? key : path + "." + key, child);
    }
    return;
  }
  const std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
  if (path == "type") {
    types += (types.empty() ? "" : " ") + text;
  } else if (!text.empty() && !value.is_null()) {
    options += " " + path + "=" + text;
  }
}

/// Builds the trees from the lists of a plan.
class TreeBuilder {
 public:
  TreeBuilder(const Experiment& experiment, const Plan& plan)
      : experiment_(experiment), plan_(plan), stage_cells_(plan.stages.size(), 0) {
    for (std::size_t i = 0; i < plan.retrievals.size(); ++i) {
      const PlannedRetrieval& retrieval = plan.retrievals[i];
      for (const std::size_t stage : retrieval.stages) {
        stage_cells_[stage] += retrieval.cells.size();
      }
      const std::string parent =
          retrieval.stages.empty() ? "" : plan.stages[retrieval.stages.back()].fingerprint;
      retrievals_below_[parent].push_back(i);
    }
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
      stages_below_[plan.stages[i].parent].push_back(i);
    }
  }

  /// What stands below the stage with this fingerprint; empty for the roots.
  std::vector<PlanNode> below(const std::string& fingerprint, const Json& parameters) const {
    std::vector<PlanNode> nodes;
    for (const std::size_t position : at(stages_below_, fingerprint)) {
      const KnowledgeBaseStage& stage = plan_.stages[position];
      nodes.push_back({.kind = stage.kind,
                       .fingerprint = stage.fingerprint,
                       .parameters = added_parameters(stage.parameters, parameters),
                       .cached = stage.cached,
                       .cell_count = stage_cells_[position],
                       .cells = {},
                       .children = below(stage.fingerprint, stage.parameters)});
    }
    for (const std::size_t position : at(retrievals_below_, fingerprint)) {
      const PlannedRetrieval& retrieval = plan_.retrievals[position];
      Json options = experiment_.cells[retrieval.cells.front()].retrieval.retriever;
      if (options.contains("top_k")) {
        options["top_k"] = retrieval.top_k;
      }
      nodes.push_back({.kind = kRetrievalKind,
                       .fingerprint = retrieval.fingerprint,
                       .parameters = std::move(options),
                       .cell_count = retrieval.cells.size(),
                       .cells = retrieval.cells,
                       .children = {}});
    }
    return nodes;
  }

 private:
  using Below = std::map<std::string, std::vector<std::size_t>>;

  static const std::vector<std::size_t>& at(const Below& below, const std::string& fingerprint) {
    static const std::vector<std::size_t> kNone;
    const auto found = below.find(fingerprint);
    return found == below.end() ? kNone : found->second;
  }

  const Experiment& experiment_;
  const Plan& plan_;
  std::vector<std::size_t> stage_cells_;  // [stage] cells that need it
  Below stages_below_;                    // by the parent's fingerprint
  Below retrievals_below_;
};

}  // namespace

std::vector<PlanNode> plan_tree(const Experiment& experiment, const Plan& plan) {
  return TreeBuilder(experiment, plan).below("", Json::object());
}

std::string parameters_text(const Json& parameters) {
  std::string types;
  std::string options;
  append_parameter(types, options, "", parameters);
  return types.empty() && !options.empty() ? options.substr(1) : types + options;
}

Json plan_tree_json(const std::vector<PlanNode>& nodes) {
  Json list = Json::array();
  for (const PlanNode& node : nodes) {
    Json object = {{"kind", node.kind},
                   {"fingerprint", node.fingerprint},
                   {"parameters", node.parameters},
                   {"cells", node.cell_count},
                   {"stages", plan_tree_json(node.children)}};
    if (node.kind == kRetrievalKind) {
      object["cell_positions"] = node.cells;
    } else {
      object["cached"] = node.cached;
    }
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace crudbench
