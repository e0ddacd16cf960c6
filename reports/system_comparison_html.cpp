#include <string>
#include <string_view>

#include "harness/core/files.h"
#include "reports/renderers.h"
#include "reports/safe_text.h"
#include "reports/system_comparison.h"

namespace crudbench {

// reports/html/comparison.css, compiled in by crudbench_embed_text.
std::string_view comparison_page_css();

namespace {

/// Nothing runs and nothing is loaded; with no script, inline style is all that is left to allow.
constexpr const char* kHead =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>A against B</title>\n<style>\n";

std::string option_html(const std::optional<Json>& value) {
  return "<td>" + html_text(value ? plain_text(*value) : "–") + "</td>";
}

std::string options_html(const SystemComparison& comparison) {
  std::string output =
      "<div class=\"scroll\"><table><thead><tr><th>option</th><th>A</th><th>B</th></tr></thead>"
      "<tbody>\n";
  for (const OptionDifference& difference : comparison.options) {
    output += "<tr><td>" + html_text(difference.path) + "</td>" + option_html(difference.a) +
              option_html(difference.b) + "</tr>\n";
  }
  return output + "</tbody></table></div>\n";
}

std::string samples_html(const TaskContrast& task, const std::vector<SampleContrast>& samples,
                         const std::string& title) {
  if (samples.empty()) {
    return "";
  }
  std::string output = "<table><thead><tr><th>" + title +
                       "</th><th class=\"number\">A</th><th class=\"number\">B</th></tr></thead>"
                       "<tbody>\n";
  for (const SampleContrast& sample : samples) {
    output += "<tr><td>" + html_text(sample.sample_id) + "</td><td class=\"number\">" +
              mean_text(sample.a, task.sample_metric) + "</td><td class=\"number\">" +
              mean_text(sample.b, task.sample_metric) + "</td></tr>\n";
  }
  return output + "</tbody></table>\n";
}

}  // namespace

std::string system_comparison_html(const SystemComparison& comparison) {
  std::string output =
      kHead + std::string(comparison_page_css()) +
      "</style>\n</head>\n<body>\n<h1>A against B</h1>\n<p>A: " + html_text(comparison.label_a) +
      "<br>B: " + html_text(comparison.label_b) + "</p>\n" + options_html(comparison);
  for (const TaskContrast& task : comparison.tasks) {
    output += "<h2>" + html_text(task.task) + "</h2>\n<p>" + html_text(tally_text(task)) +
              "</p>\n<div class=\"scroll\">" + comparison_table_html(task.comparison, 1) +
              "</div>\n<div class=\"pair\">" +
              samples_html(task, task.a_better, "where A is furthest ahead") +
              samples_html(task, task.b_better, "where B is furthest ahead") + "</div>\n";
  }
  return output + "<p class=\"note\">" + html_text(comparison_note()) + "</p>\n</body>\n</html>\n";
}

std::vector<std::filesystem::path> write_system_comparison(const SystemComparison& comparison,
                                                           const std::filesystem::path& folder) {
  create_folders(folder);
  const std::vector<std::filesystem::path> paths = {
      folder / "comparison.html", folder / "comparison.md", folder / "comparison.json"};
  write_file_atomically(paths[0], system_comparison_html(comparison));
  write_file_atomically(paths[1], system_comparison_markdown(comparison));
  write_file_atomically(
      paths[2],
      system_comparison_json(comparison).dump(1, ' ', false, Json::error_handler_t::replace) +
          "\n");
  return paths;
}

}  // namespace crudbench
