#include "harness/core/packed_numbers.h"

#include <array>

#include "harness/core/error.h"

namespace crudbench {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

[[noreturn]] void fail() {
  throw Error(ErrorCode::kInvalidData, "a packed list of numbers is damaged");
}

void append_number(std::string& bytes, std::uint64_t number) {
  while (number >= 0x80) {
    bytes.push_back(static_cast<char>(0x80 | (number & 0x7F)));
    number >>= 7;
  }
  bytes.push_back(static_cast<char>(number));
}

std::uint64_t take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) {
      fail();
    }
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      return number;
    }
  }
  fail();
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    buffer = buffer << 8 | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= 6; bits -= 6) {
      text.push_back(kAlphabet[buffer >> (bits - 6) & 0x3F]);
    }
  }
  if (bits > 0) {
    text.push_back(kAlphabet[buffer << (6 - bits) & 0x3F]);
  }
  return text;
}

std::string from_base64(std::string_view text) {
  static const std::array<signed char, 256> kValues = [] {
    std::array<signed char, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
      values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<signed char>(i);
    }
    return values;
  }();
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char letter : text) {
    const signed char value = kValues[static_cast<unsigned char>(letter)];
    if (value < 0) {
      fail();
    }
    buffer = buffer << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(buffer >> bits & 0xFF));
    }
  }
  return bytes;
}

}  // namespace

std::string pack_numbers(std::span<const std::uint64_t> numbers) {
  std::string bytes;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t zeros = 0;
    while (i + zeros < numbers.size() && numbers[i + zeros] == 0) {
      ++zeros;
    }
    if (zeros > 0) {
      bytes.push_back(0);
      append_number(bytes, zeros);
      i += zeros;
    } else {
      append_number(bytes, numbers[i++]);
    }
  }
  return to_base64(bytes);
}

std::vector<std::uint64_t> unpack_numbers(std::string_view text, std::size_t count) {
  const std::string bytes = from_base64(text);
  std::string_view left = bytes;
  std::vector<std::uint64_t> numbers;
  while (!left.empty()) {
    const std::uint64_t number = take_number(left);
    const std::uint64_t repeated = number == 0 ? take_number(left) : 1;
    if (repeated == 0 || repeated > count - numbers.size()) {
      fail();
    }
    numbers.insert(numbers.end(), repeated, number);
  }
  if (numbers.size() != count) {
    fail();
  }
  return numbers;
}

}  // namespace crudbench
