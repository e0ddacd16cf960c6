#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "harness/core/error.h"
#include "harness/tasks/builtin_tasks.h"
#include "harness/tasks/task.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

/// A placeholder of the prompt and the sample field that fills it.
struct PromptField {
  std::string_view placeholder;
  std::string_view field;
};

/// All that distinguishes one CRUD task from another. Source of the field names: upstream's
/// src/tasks/{summary,continue_writing,hallucinated_modified,quest_answer}.py.
struct TaskSpec {
  std::string_view name;
  std::string_view upstream_class;
  std::string_view summary;
  std::string_view query_field;
  std::string_view reference_field;
  std::array<PromptField, 2> prompt_fields;  ///< An empty placeholder ends the list.
};

constexpr std::array<TaskSpec, 6> kTasks{{
    {"event_summary",
     "Summary",
     "Delete: condense the reports on an event into a summary",
     "event",
     "summary",
     {{{"event", "event"}}}},
    {"continuing_writing",
     "ContinueWriting",
     "Create: continue a news article from its beginning",
     "beginning",
     "continuing",
     {{{"beginning_text", "beginning"}}}},
    {"hallu_modified",
     "HalluModified",
     "Update: correct a continuation that holds wrong facts",
     "newsBeginning",
     "hallucinatedMod",
     {{{"begin", "newsBeginning"}, {"hallu_continue", "hallucinatedContinuation"}}}},
    {"questanswer_1doc",
     "QuestAnswer1Doc",
     "Read: answer a question from one document",
     "questions",
     "answers",
     {{{"question", "questions"}}}},
    {"questanswer_2docs",
     "QuestAnswer2Docs",
     "Read: answer a question that needs two documents",
     "questions",
     "answers",
     {{{"question", "questions"}}}},
    {"questanswer_3docs",
     "QuestAnswer3Docs",
     "Read: answer a question that needs three documents",
     "questions",
     "answers",
     {{{"question", "questions"}}}},
}};

/// The dataset reader lets only complete records through, so a missing field is a programmer's
/// mistake.
const std::string& field(const Sample& sample, std::string_view name) {
  const auto found = sample.fields.find(name);
  if (found == sample.fields.end()) {
    throw std::logic_error("sample " + sample.sample_id + " has no field " + std::string(name));
  }
  return found->second;
}

class CrudTask final : public Task {
 public:
  explicit CrudTask(const TaskSpec& spec) : spec_(spec) {}

  std::string_view query(const Sample& sample) const override {
    return field(sample, spec_.query_field);
  }

  Fields prompt_fields(const Sample& sample) const override {
    Fields fields;
    for (const PromptField& prompt_field : spec_.prompt_fields) {
      if (!prompt_field.placeholder.empty()) {
        fields.emplace(prompt_field.placeholder, field(sample, prompt_field.field));
      }
    }
    return fields;
  }

  std::string extract_answer(std::string_view reply) const override {
    return extract_response(reply);
  }

  std::string_view reference(const Sample& sample) const override {
    return field(sample, spec_.reference_field);
  }

 private:
  const TaskSpec& spec_;
};

constexpr std::array<std::string_view, kTasks.size()> kNames = [] {
  std::array<std::string_view, kTasks.size()> names;
  std::transform(kTasks.begin(), kTasks.end(), names.begin(),
                 [](const TaskSpec& spec) { return spec.name; });
  return names;
}();

}  // namespace

std::string extract_response(std::string_view reply) {
  constexpr std::string_view kOpen = "<response>";
  constexpr std::string_view kClose = "</response>";
  // The last one counts. Forwards it is found faster than by rfind, which looks at every byte.
  for (auto open = reply.find(kOpen); open != std::string_view::npos; open = reply.find(kOpen)) {
    reply.remove_prefix(open + kOpen.size());
  }
  reply = reply.substr(0, reply.find(kClose));
  return std::string(strip(reply));
}

std::span<const std::string_view> task_names() noexcept {
  return kNames;
}

std::optional<std::string_view> upstream_task_class(std::string_view task) noexcept {
  const auto* const found = std::find_if(kTasks.begin(), kTasks.end(),
                                         [&](const TaskSpec& spec) { return spec.name == task; });
  return found != kTasks.end() ? std::optional(found->upstream_class) : std::nullopt;
}

std::optional<std::string_view> task_of_upstream_class(std::string_view class_name) noexcept {
  const auto* const found = std::find_if(kTasks.begin(), kTasks.end(), [&](const TaskSpec& spec) {
    return spec.upstream_class == class_name;
  });
  return found != kTasks.end() ? std::optional(found->name) : std::nullopt;
}

void add_builtin_tasks(Catalog& catalog) {
  for (const TaskSpec& spec : kTasks) {
    catalog.tasks.add(std::string(spec.name),
                      {.summary = std::string(spec.summary),
                       .example = {{"type", spec.name}},
                       .check = [](Options&) {},
                       .make = [&spec](Options&) { return std::make_unique<CrudTask>(spec); }});
  }
}

}  // namespace crudbench
