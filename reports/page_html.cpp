#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "harness/core/fingerprint.h"
#include "harness/store/compression.h"
#include "reports/base64.h"
#include "reports/report_page.h"

namespace crudbench {

// The files of reports/html and the chart library, compiled in by crudbench_embed_text.
std::string_view page_template();
std::string_view page_style();
std::string_view page_script();
std::string_view page_labels();
std::string_view chart_library();

namespace {

constexpr int kBestCompression = 9;

/// A source of a content security policy: the text with this hash and no other.
std::string policy_hash(std::string_view text) {
  const std::string hex = sha256_hex(text);
  std::string digest;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    digest += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return "'sha256-" + base64(digest) + "'";
}

/// The page's script, and the chart library, which it puts into the page when a chart is wanted.
std::string content_policy(const ReportPage& page) {
  // From a folder, "file:" is what the data files beside the page are; "'self'" from a server.
  const std::string files = page.data_folder ? " 'self' file:" : "";
  return "default-src 'none'; style-src " + policy_hash(page_style()) + "; script-src " +
         policy_hash(page_script()) + " " + policy_hash(chart_library()) + files +
         "; img-src data: blob:; base-uri 'none'; form-action 'none'";
}

std::string packed(std::string_view text) {
  return base64(gzip(text, kBestCompression));
}

/// Base64 and JSON punctuation alone: nothing in it can end the element.
std::string inline_samples(const ReportPage& page) {
  std::string elements;
  for (const SampleFile& file : page.inline_samples) {
    elements += "<script type=\"text/plain\" data-samples=\"" + file.key + "\">" + file.payload +
                "</script>\n";
  }
  return elements;
}

struct Placeholder {
  std::string_view name;
  std::string value;
};

/// Replaces each "{{name}}" of the template, in one pass, so that what is put in is never read as a
/// placeholder.
std::string fill_template(std::string_view text, std::span<const Placeholder> placeholders) {
  std::string output;
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    output += text.substr(0, open);
    if (open == std::string_view::npos) {
      break;
    }
    const std::size_t close = text.find("}}", open);
    const std::string_view name = text.substr(open + 2, close - open - 2);
    const auto found =
        std::find_if(placeholders.begin(), placeholders.end(),
                     [&](const Placeholder& placeholder) { return placeholder.name == name; });
    if (close == std::string_view::npos || found == placeholders.end()) {
      throw std::logic_error("reports/html/page.html has an unknown placeholder");
    }
    output += found->value;
    text.remove_prefix(close + 2);
  }
  return output;
}

}  // namespace

std::string page_html(const ReportPage& page) {
  Json overview = page.overview;
  overview["data_folder"] = page.data_folder ? Json(*page.data_folder) : Json();
  const Placeholder placeholders[] = {
      {"policy", content_policy(page)},       {"style", std::string(page_style())},
      {"script", std::string(page_script())}, {"labels", packed(page_labels())},
      {"charts", packed(chart_library())},    {"overview", packed(to_text(overview))},
      {"samples", inline_samples(page)}};
  return fill_template(page_template(), placeholders);
}

}  // namespace crudbench
