#include <string>

#include "reports/renderers.h"
#include "reports/safe_text.h"
#include "reports/system_comparison.h"
#include "reports/text_table.h"

namespace crudbench {

namespace {

std::string option_text(const std::optional<Json>& value) {
  return value ? plain_text(*value) : "–";
}

std::string samples_markdown(const TaskContrast& task, const std::vector<SampleContrast>& samples,
                             const std::string& title) {
  if (samples.empty()) {
    return "";
  }
  std::string output = "\n" + title + ":\n\n| sample | A | B |\n| --- | ---: | ---: |\n";
  for (const SampleContrast& sample : samples) {
    output += "| " + markdown_cell(sample.sample_id) + " | " +
              mean_text(sample.a, task.sample_metric) + " | " +
              mean_text(sample.b, task.sample_metric) + " |\n";
  }
  return output;
}

std::string samples_terminal(const TaskContrast& task, const std::vector<SampleContrast>& samples,
                             const std::string& title, bool colours, std::size_t columns) {
  if (samples.empty()) {
    return "";
  }
  TextTable table({{.title = title},
                   {.title = "A", .right_aligned = true},
                   {.title = "B", .right_aligned = true}});
  for (const SampleContrast& sample : samples) {
    table.add_row({{.text = sample.sample_id},
                   {.text = mean_text(sample.a, task.sample_metric)},
                   {.text = mean_text(sample.b, task.sample_metric)}});
  }
  return "\n" + table.to_string(colours, columns);
}

constexpr const char* kAheadA = "where A is furthest ahead";
constexpr const char* kAheadB = "where B is furthest ahead";

}  // namespace

std::string tally_text(const TaskContrast& task) {
  return "by " + task.sample_metric.name + ": A ahead on " + std::to_string(task.a_better_count) +
         " samples, B on " + std::to_string(task.b_better_count) + ", equal on " +
         std::to_string(task.equal_count);
}

std::string system_comparison_terminal(const SystemComparison& comparison, bool colours,
                                       std::size_t columns) {
  std::string output = "A: " + printable_line(comparison.label_a) +
                       "\nB: " + printable_line(comparison.label_b) + "\n\n";
  TextTable options({{.title = "option"}, {.title = "A"}, {.title = "B"}});
  for (const OptionDifference& difference : comparison.options) {
    options.add_row({{.text = difference.path},
                     {.text = option_text(difference.a)},
                     {.text = option_text(difference.b)}});
  }
  output += options.to_string(colours, columns);
  for (const TaskContrast& task : comparison.tasks) {
    output += "\n" + emphasized(printable_line(task.task), Emphasis::kBold, colours) + ", " +
              printable_line(tally_text(task)) + "\n" +
              comparison_table_terminal(task.comparison, 1, colours, columns) +
              samples_terminal(task, task.a_better, kAheadA, colours, columns) +
              samples_terminal(task, task.b_better, kAheadB, colours, columns);
  }
  return output + "\n" + comparison_note() + "\n";
}

std::string system_comparison_markdown(const SystemComparison& comparison) {
  std::string output = "# A against B\n\n- A: " + markdown_cell(comparison.label_a) +
                       "\n- B: " + markdown_cell(comparison.label_b) +
                       "\n\n| option | A | B |\n| --- | --- | --- |\n";
  for (const OptionDifference& difference : comparison.options) {
    output += "| " + markdown_cell(difference.path) + " | " +
              markdown_cell(option_text(difference.a)) + " | " +
              markdown_cell(option_text(difference.b)) + " |\n";
  }
  for (const TaskContrast& task : comparison.tasks) {
    output += "\n## " + markdown_cell(task.task) + "\n\n" + markdown_cell(tally_text(task)) +
              ".\n\n" + comparison_table_markdown(task.comparison, 1) +
              samples_markdown(task, task.a_better, "Where A is furthest ahead") +
              samples_markdown(task, task.b_better, "Where B is furthest ahead");
  }
  return output + "\n" + comparison_note() + "\n";
}

}  // namespace crudbench
