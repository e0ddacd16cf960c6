// Speed of the segmenters and of the cl100k tokenizer on one core, in CPU time: the best of several
// rounds over the lines of a text. Python's jieba, where /usr/bin/python3 can import it, cuts the
// same lines between the rounds, so that both meet the same machine; ratios are what to quote.
//
//   crudbench_segmentation_bench FILE [MEGABYTES]      (default 5: Python does about 1 MB/s)

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "harness/core/files.h"
#include "harness/text/segmenter.h"
#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"

namespace {

using namespace crudbench;  // A program, not a header.

constexpr int kRounds = 5;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The first `size` bytes at most, up to the end of a line.
std::vector<std::string_view> lines_of(std::string_view text, std::size_t size) {
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin < std::min(size, text.size());) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

struct Measurement {
  const char* name;
  std::function<std::size_t(std::string_view line)> run;  ///< Returns how many parts it found.
  double best_seconds = std::numeric_limits<double>::infinity();
  std::size_t parts = 0;
};

Measurement segmenter(const char* name, const Segmenter& segmenter) {
  return {name,
          [&segmenter, words = std::vector<std::string_view>()](std::string_view line) mutable {
            words.clear();
            segmenter.segment(line, words);
            return words.size();
          }};
}

void measure(Measurement& measurement, const std::vector<std::string_view>& lines) {
  const double start = cpu_seconds();
  measurement.parts = 0;
  for (const std::string_view line : lines) {
    measurement.parts += measurement.run(line);
  }
  measurement.best_seconds = std::min(measurement.best_seconds, cpu_seconds() - start);
}

struct PythonResult {
  double seconds = 0.0;
  std::size_t words = 0;
};

/// CPU time of `jieba.lcut` over the lines of the file, the better of two; nullopt if there is no
/// jieba.
std::optional<PythonResult> measure_python(const std::filesystem::path& file) {
  const std::string command =
      "/usr/bin/python3 -W ignore -c '\n"
      "import jieba, sys, time\n"
      "jieba.setLogLevel(60)\n"
      "jieba.initialize()\n"
      "lines = open(sys.argv[1], encoding=\"utf-8\", newline=\"\\n\").read().split(\"\\n\")\n"
      "def run():\n"
      "    start = time.process_time()\n"
      "    words = sum(len(jieba.lcut(line)) for line in lines)\n"
      "    return time.process_time() - start, words\n"
      "print(*min(run(), run()))\n"
      "' '" +
      file.string() + "' 2>/dev/null";
  std::FILE* output = ::popen(command.c_str(), "r");
  PythonResult result;
  const int fields =
      output == nullptr ? 0 : std::fscanf(output, "%lf %zu", &result.seconds, &result.words);
  if (output != nullptr) {
    ::pclose(output);
  }
  return fields == 2 ? std::optional(result) : std::nullopt;
}

void run(const std::string& path, double megabytes) {
  const std::string content = replace_invalid_utf8(read_file(path));
  const std::vector<std::string_view> lines =
      lines_of(content, static_cast<std::size_t>(megabytes * 1e6));
  std::string sample;
  for (const std::string_view line : lines) {
    sample.append(sample.empty() ? "" : "\n").append(line);
  }
  const double sample_megabytes = static_cast<double>(sample.size()) / 1e6;
  std::printf("%.1f MB, %zu lines; CPU time, best of %d rounds\n", sample_megabytes, lines.size(),
              kRounds);

  std::array measurements = {
      segmenter("jieba", jieba_segmenter()),
      segmenter("jieba words", jieba_word_segmenter()),
      segmenter("unigram", unigram_segmenter()),
      segmenter("bigram", bigram_segmenter()),
      Measurement{"cl100k count",
                  [](std::string_view line) { return cl100k_tokenizer().count(line); }},
      Measurement{
          "UTF-8 check",
          [](std::string_view line) { return find_invalid_utf8(line).has_value() ? 1 : 0; }},
  };
  const std::filesystem::path sample_file =
      std::filesystem::temp_directory_path() / ("segmentation-bench-" + std::to_string(::getpid()));
  write_file_atomically(sample_file, sample);
  std::optional<PythonResult> python;
  for (int round = 0; round < kRounds; ++round) {
    for (Measurement& measurement : measurements) {
      measure(measurement, lines);
    }
    if (round == kRounds / 2) {
      python = measure_python(sample_file);
    }
  }
  std::filesystem::remove(sample_file);
  for (const Measurement& measurement : measurements) {
    std::printf("%-14s %8.1f MB/s  %10zu parts\n", measurement.name,
                sample_megabytes / measurement.best_seconds, measurement.parts);
  }
  if (python) {
    std::printf("%-14s %8.2f MB/s  %10zu parts\njieba / Python jieba: %.1fx, %s words\n",
                "Python jieba", sample_megabytes / python->seconds, python->words,
                python->seconds / measurements[0].best_seconds,
                python->words == measurements[0].parts ? "as many" : "NOT as many");
  } else {
    std::printf("Python jieba: not here\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fputs("usage: crudbench_segmentation_bench FILE [MEGABYTES]\n", stderr);
    return 2;
  }
  try {
    run(argv[1], argc == 3 ? std::strtod(argv[2], nullptr) : 5.0);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
