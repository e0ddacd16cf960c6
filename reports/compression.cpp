#include "reports/compression.h"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <zlib.h>

#include "harness/core/error.h"

namespace crudbench {

namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's largest window, in gzip's wrapping.
constexpr std::size_t kPieceBytes = 1 << 16;

/// Runs `step` (deflate or inflate) over the whole input; false if it ends early.
template <class Step>
bool run_stream(z_stream& stream, std::string_view bytes, std::string& output, const Step& step) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::array<char, kPieceBytes> piece{};
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    code = step(&stream, Z_FINISH);
    output.append(piece.data(), piece.size() - stream.avail_out);
    if (code == Z_BUF_ERROR && stream.avail_out == 0) {
      code = Z_OK;  // Only the output was full.
    }
  }
  return code == Z_STREAM_END && stream.avail_in == 0;
}

}  // namespace

std::string gzip(std::string_view bytes, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string output;
  const bool whole = run_stream(stream, bytes, output, deflate);
  deflateEnd(&stream);
  if (!whole) {
    throw std::logic_error("gzip: zlib did not take all bytes");
  }
  return output;
}

std::string gunzip(std::string_view bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string output;
  const bool whole = run_stream(stream, bytes, output, inflate);
  inflateEnd(&stream);
  if (!whole) {
    throw Error(ErrorCode::kInvalidData, "compressed data: cut off or damaged");
  }
  return output;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string output;
  output.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8U | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    output += kAlphabet[bits >> 18U];
    output += kAlphabet[bits >> 12U & 63U];
    output += i + 1 < bytes.size() ? kAlphabet[bits >> 6U & 63U] : '=';
    output += i + 2 < bytes.size() ? kAlphabet[bits & 63U] : '=';
  }
  return output;
}

}  // namespace crudbench
