// Speed of the segmenters and of the cl100k tokenizer on one core, in CPU time: the best of several
// rounds over the lines of a text. Its peers, each a program of its own, cut the same lines between
// the rounds, so that all meet the same machine; ratios are what to quote. Peers are Python's
// jieba, where /usr/bin/python3 can import it, and cppjieba, where CMake was given its sources:
//
//   npm pack nodejieba@3.5.8 && tar xzf nodejieba-3.5.8.tgz
//   cmake … -DCRUDBENCH_BUILD_BENCH=ON -DCRUDBENCH_NODEJIEBA_DIR=$PWD/package
//
//   crudbench_segmentation_bench FILE [MEGABYTES]      (default 5: Python does about 1 MB/s)

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <set>
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

/// Another segmenter, run as a program "COMMAND FILE OUT" that prints CPU seconds and the number of
/// words and writes the words' lengths in bytes to OUT, a line a line.
struct Peer {
  const char* name;
  std::string command;  ///< Empty where it has not been built in.
  const char* how_to_get_it;
  double seconds = 0.0;
  std::size_t words = 0;
  std::string lengths;
};

constexpr const char* kPythonCommand =
    "/usr/bin/python3 -W ignore -c '\n"
    "import jieba, sys, time\n"
    "jieba.setLogLevel(60)\n"
    "jieba.initialize()\n"
    "lines = open(sys.argv[1], encoding=\"utf-8\", newline=\"\\n\").read().split(\"\\n\")\n"
    "def run():\n"
    "    start = time.process_time()\n"
    "    words = sum(len(jieba.lcut(line)) for line in lines)\n"
    "    return time.process_time() - start, words\n"
    "result = min(run(), run())\n"
    "with open(sys.argv[2], \"w\") as out:\n"
    "    for line in lines:\n"
    "        print(*(len(word.encode()) for word in jieba.cut(line)), \"\", file=out)\n"
    "print(*result)\n"
    "'";

#ifndef CRUDBENCH_CPPJIEBA_COMMAND
#define CRUDBENCH_CPPJIEBA_COMMAND ""
#endif

/// False if the peer is not there.
bool measure_peer(Peer& peer, const std::filesystem::path& file) {
  if (peer.command.empty()) {
    return false;
  }
  const std::filesystem::path lengths = file.string() + ".lengths";
  const std::string command =
      peer.command + " '" + file.string() + "' '" + lengths.string() + "' 2>/dev/null";
  std::FILE* output = ::popen(command.c_str(), "r");
  if (output == nullptr) {
    return false;
  }
  const int fields = std::fscanf(output, "%lf %zu", &peer.seconds, &peer.words);
  const bool is_there = ::pclose(output) == 0 && fields == 2;
  if (is_there) {
    peer.lengths = read_file(lengths);
  }
  std::filesystem::remove(lengths);
  return is_there;
}

/// Prints of how many lines a peer makes the very words that `jieba_segmenter` makes.
void print_agreement(const Peer& peer, const std::vector<std::string_view>& lines) {
  std::string_view rest = peer.lengths;
  std::vector<std::string_view> words;
  std::size_t equal = 0;
  for (const std::string_view line : lines) {
    words.clear();
    jieba_segmenter().segment(line, words);
    std::string ours;
    for (const std::string_view word : words) {
      ours += std::to_string(word.size()) + " ";
    }
    const std::string_view theirs = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), theirs.size() + 1));
    equal += ours == theirs ? 1 : 0;
  }
  std::printf("same words as %s: %zu of %zu lines\n", peer.name, equal, lines.size());
}

/// A user dictionary of pairs of neighbouring words of the text, without frequencies.
UserDictionary pairs_of_words(const std::vector<std::string_view>& lines, std::size_t count) {
  std::set<std::string> pairs;
  std::vector<std::string_view> words;
  for (const std::string_view line : lines) {
    words.clear();
    jieba_segmenter({.content_only = true}).segment(line, words);
    for (std::size_t i = 1; i < words.size() && pairs.size() < count; ++i) {
      pairs.insert(std::string(words[i - 1]).append(words[i]));
    }
  }
  std::string content;
  for (const std::string& pair : pairs) {
    content += pair + "\n";
  }
  return parse_user_dictionary(content, "pairs");
}

double milliseconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

void run(const std::string& path, double megabytes) {
  std::vector<std::string_view> first_words;
  const double first_cut = milliseconds_of(
      [&] { jieba_segmenter().segment("我来到北京清华大学，他来到了网易杭研大厦", first_words); });
  std::printf("dictionary loaded and first text cut in %.2f ms\n", first_cut);

  const std::string content = replace_invalid_utf8(read_file(path));
  const std::vector<std::string_view> lines =
      lines_of(content, static_cast<std::size_t>(megabytes * 1e6));
  std::string sample;
  for (const std::string_view line : lines) {
    sample.append(sample.empty() ? "" : "\n").append(line);
  }
  const double sample_megabytes = static_cast<double>(sample.size()) / 1e6;
  const UserDictionary pairs = pairs_of_words(lines, 10'000);
  std::unique_ptr<const Segmenter> extended;
  const double extension =
      milliseconds_of([&] { extended = make_jieba_segmenter(pairs, {.content_only = true}); });
  std::printf("user dictionary of %zu words made in %.1f ms\n", pairs.words.size(), extension);
  std::printf("%.1f MB, %zu lines; CPU time, best of %d rounds\n", sample_megabytes, lines.size(),
              kRounds);

  std::array measurements = {
      segmenter("jieba", jieba_segmenter()),
      segmenter("jieba words", jieba_segmenter({.content_only = true})),
      segmenter("jieba_search", jieba_segmenter({.for_search = true, .content_only = true})),
      segmenter("jieba, user's", *extended),
      segmenter("unigram", unigram_segmenter()),
      segmenter("bigram", bigram_segmenter()),
      segmenter("icu", icu_segmenter()),
      Measurement{"cl100k count",
                  [](std::string_view line) { return cl100k_tokenizer().count(line); }},
      Measurement{
          "UTF-8 check",
          [](std::string_view line) { return find_invalid_utf8(line).has_value() ? 1 : 0; }},
  };
  std::array peers = {
      Peer{"Python jieba", kPythonCommand, "install Debian's python3-jieba"},
      Peer{"cppjieba", CRUDBENCH_CPPJIEBA_COMMAND,
           "'npm pack nodejieba@3.5.8', unpack it, and set -DCRUDBENCH_NODEJIEBA_DIR to its folder "
           "'package'"},
  };
  const std::filesystem::path sample_file =
      std::filesystem::temp_directory_path() / ("segmentation-bench-" + std::to_string(::getpid()));
  write_file_atomically(sample_file, sample);
  std::vector<const Peer*> found;
  for (int round = 0; round < kRounds; ++round) {
    for (Measurement& measurement : measurements) {
      measure(measurement, lines);
    }
    if (round == kRounds / 2) {
      for (Peer& peer : peers) {
        if (measure_peer(peer, sample_file)) {
          found.push_back(&peer);
        } else {
          std::printf("%s: not found; to compare with it, %s\n", peer.name, peer.how_to_get_it);
        }
      }
    }
  }
  std::filesystem::remove(sample_file);
  for (const Measurement& measurement : measurements) {
    std::printf("%-14s %8.1f MB/s  %10zu parts\n", measurement.name,
                sample_megabytes / measurement.best_seconds, measurement.parts);
  }
  for (const Peer* peer : found) {
    std::printf("%-14s %8.2f MB/s  %10zu parts\n", peer->name, sample_megabytes / peer->seconds,
                peer->words);
  }
  for (const Peer* peer : found) {
    std::printf("jieba / %s: %.1fx\n", peer->name, peer->seconds / measurements[0].best_seconds);
    print_agreement(*peer, lines);
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
