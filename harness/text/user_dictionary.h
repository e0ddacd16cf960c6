#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// One line of a user dictionary.
struct UserWord {
  std::string text;
  std::optional<std::uint64_t> frequency;  ///< Without one jieba makes one up (`suggest_freq`).
  std::size_t line = 0;                    ///< In the file, from 1.
};

/// Words of the user's own for jieba, as `load_userdict` of jieba 0.42.1 reads them: UTF-8, one
/// "word [frequency] [tag]" a line, in the order of the file, in which they take effect. Blank
/// lines and byte order marks are skipped; tags, which are lower-case ASCII letters, say nothing
/// about cuts. A word may hold spaces: frequency and tag are what the end of the line has of them.
struct UserDictionary {
  std::string file;  ///< Its name in messages.
  std::vector<UserWord> words;
  std::string sha256;  ///< Of the file's content, 64 hexadecimal digits.
};

/// Throws Error(kInvalidData) that names file and line for a line that is not UTF-8, and for a
/// frequency above 2^63 - 1 (jieba itself has no limit).
UserDictionary parse_user_dictionary(std::string_view content, std::string file);

/// Throws Error(kIo) too.
UserDictionary read_user_dictionary(const std::filesystem::path& path);

}  // namespace crudbench
