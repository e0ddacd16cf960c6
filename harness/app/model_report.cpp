#include "harness/app/model_report.h"

#include <array>
#include <cstdio>

#include "reports/safe_text.h"

namespace crudbench {

namespace {

std::string with_unit(double value, const std::array<const char*, 5>& units) {
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000.0;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || value >= 99.95 ? "%.0f" : "%.1f", value);
  return std::string(text) + units[unit];
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent_text(std::uint64_t part, std::uint64_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", percent(part, whole));
  return text;
}

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t i = text.size(); i > 3; i -= 3) {
    text.insert(i - 3, ",");
  }
  return text;
}

std::string line(const std::string& title, const std::string& value) {
  constexpr std::size_t kValueColumn = 18;
  std::string text = "  " + title;
  text.resize(std::max(text.size() + 1, kValueColumn), ' ');
  return text + value + "\n";
}

std::string types_text(const GgufFile& model) {
  std::string text = model.quantization.empty() ? "not stated" : model.quantization;
  text += ":";
  for (const GgufFile::TypeShare& type : model.types) {
    text += (&type == &model.types.front() ? " " : ", ") + type.type + " " +
            percent_text(type.size_bytes, model.weight_bytes);
  }
  return text + " of the bytes";
}

std::string experts_text(const GgufFile& model) {
  if (model.experts == 0) {
    return "none: a dense model";
  }
  std::string text = count_text(model.experts) + " a layer in " + count_text(model.moe_layers) +
                     " layers, " + count_text(model.experts_used) + " chosen a token";
  if (model.shared_experts > 0) {
    text += ", " + count_text(model.shared_experts) + " shared";
  }
  text += ", hidden size " + count_text(model.expert_hidden_size);
  return text + ", gating: " + (model.gating.empty() ? "not stated" : model.gating);
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  return with_unit(static_cast<double>(bytes), {" bytes", " kB", " MB", " GB", " TB"});
}

std::string parameters_text(std::uint64_t count) {
  return with_unit(static_cast<double>(count), {"", " k", " M", " B", " T"});
}

Json model_report_json(const GgufFile& model, const MemoryNeeds& needs,
                       const std::string& chat_template_state) {
  const MemoryEstimate memory = estimate_memory(model, needs);
  Json files = Json::array();
  for (const auto& file : model.files) {
    files.push_back(file.string());
  }
  Json types = Json::array();
  for (const GgufFile::TypeShare& type : model.types) {
    types.push_back(
        {{"type", type.type}, {"parameters", type.parameters}, {"bytes", type.size_bytes}});
  }
  return {{"files", std::move(files)},
          {"architecture", model.architecture},
          {"name", model.name},
          {"quantization", model.quantization},
          {"types", std::move(types)},
          {"context_length", model.context_length},
          {"layers", model.layers},
          {"embedding_length", model.embedding_length},
          {"vocabulary", model.vocabulary},
          {"heads", model.heads},
          {"kv_heads", model.kv_heads},
          {"feed_forward", model.feed_forward},
          {"experts",
           {{"layers", model.moe_layers},
            {"per_layer", model.experts},
            {"used", model.experts_used},
            {"shared", model.shared_experts},
            {"hidden_size", model.expert_hidden_size},
            {"gating", model.gating}}},
          {"parameters",
           {{"total", model.parameters},
            {"active", model.active_parameters},
            {"experts", model.expert_parameters}}},
          {"bytes",
           {{"total", model.weight_bytes},
            {"experts", model.expert_bytes},
            {"other", model.weight_bytes - model.expert_bytes},
            {"read_per_token", model.bytes_per_token}}},
          {"chat_template", chat_template_state},
          {"memory",
           {{"context", needs.context},
            {"parallel", needs.parallel},
            {"kv_type", needs.kv_type},
            {"weights", memory.weights},
            {"kv_cache", memory.kv_cache},
            {"compute", memory.compute},
            {"total", memory.total()}}}};
}

std::string model_report_text(const GgufFile& model, const MemoryNeeds& needs,
                              const std::string& chat_template_state) {
  const MemoryEstimate memory = estimate_memory(model, needs);
  std::string text = model.files.front().string();
  if (model.files.size() > 1) {
    text += " and " + std::to_string(model.files.size() - 1) + " more parts";
  }
  text = printable_line(text) + "\n";
  text += line("architecture", printable_line(model.architecture +
                                              (model.name.empty() ? "" : " (" + model.name + ")")));
  text += line("quantization", types_text(model));
  text += line("context", count_text(model.context_length) + " tokens");
  text += line("layers", count_text(model.layers) + " of width " +
                             count_text(model.embedding_length) + ", " + count_text(model.heads) +
                             " heads, " + count_text(model.kv_heads) + " of keys and values");
  text += line("vocabulary", count_text(model.vocabulary) + " tokens");
  text += line("experts", experts_text(model));
  text +=
      line("parameters", parameters_text(model.parameters) + ", of which " +
                             parameters_text(model.active_parameters) + " are active for a token");
  text += line("weights", bytes_text(model.weight_bytes) + ": experts " +
                              bytes_text(model.expert_bytes) + " (" +
                              percent_text(model.expert_bytes, model.weight_bytes) +
                              "), the rest " + bytes_text(model.weight_bytes - model.expert_bytes));
  text += line("read a token", bytes_text(model.bytes_per_token) + " of weights");
  text += line("chat template", chat_template_state);
  text += line("memory", bytes_text(memory.total()) + " for " + count_text(needs.parallel) + " x " +
                             count_text(needs.context) + " tokens: weights " +
                             bytes_text(memory.weights) + ", KV cache (" + needs.kv_type + ") " +
                             bytes_text(memory.kv_cache) + ", computing about " +
                             bytes_text(memory.compute));
  return text;
}

}  // namespace crudbench
