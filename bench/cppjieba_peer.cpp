// cppjieba_peer DICT_FOLDER FILE OUT: the other side of crudbench_segmentation_bench. Cuts the
// lines of FILE with cppjieba, prints its CPU time, the better of two runs, and the number of
// words, and writes the words' lengths in bytes to OUT, one line a line.

#include <algorithm>
#include <cppjieba/Jieba.hpp>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

namespace {

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: cppjieba_peer DICT_FOLDER FILE OUT\n", stderr);
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  const cppjieba::Jieba jieba(folder + "jieba.dict.utf8", folder + "hmm_model.utf8",
                              folder + "user.dict.utf8", folder + "idf.utf8",
                              folder + "stop_words.utf8");
  std::vector<std::string> lines;
  std::ifstream input(argv[2], std::ios::binary);
  for (std::string line; std::getline(input, line);) {
    lines.push_back(line);
  }
  std::vector<std::string> words;
  std::size_t count = 0;
  const auto run = [&] {
    const double start = cpu_seconds();
    count = 0;
    for (const std::string& line : lines) {
      jieba.Cut(line, words);
      count += words.size();
    }
    return cpu_seconds() - start;
  };
  const double first = run();
  const double seconds = std::min(first, run());
  std::ofstream lengths(argv[3], std::ios::binary);
  for (const std::string& line : lines) {
    jieba.Cut(line, words);
    for (const std::string& word : words) {
      lengths << word.size() << ' ';
    }
    lengths << '\n';
  }
  std::printf("%.9f %zu\n", seconds, count);
  return lengths.flush() ? 0 : 1;
}
