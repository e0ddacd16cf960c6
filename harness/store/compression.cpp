#include "harness/store/compression.h"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>
#include <zlib.h>

#include "harness/core/error.h"

namespace crudbench {

namespace {

constexpr int kGzipForm = 16;   // Added to the bits of a window, it makes zlib write gzip's form.
constexpr int kMaxWindow = 15;  // Bits.
constexpr std::size_t kPieceBytes = 1 << 14;

void set_input(z_stream& stream, std::string_view bytes) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
}

}  // namespace

std::string gzip(std::string_view bytes, int level) {
  // Zlib clears its memory first, which takes longer than to compress a few kilobytes: it gets no
  // more than they need.
  const int window = std::clamp(static_cast<int>(std::bit_width(bytes.size())) + 1, 9, kMaxWindow);
  const int memory = std::min(window - 6, 8);
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, window + kGzipForm, memory, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
  std::string output(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  set_input(stream, bytes);
  stream.next_out = reinterpret_cast<Bytef*>(output.data());
  stream.avail_out = static_cast<uInt>(output.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  output.resize(output.size() - stream.avail_out);
  deflateEnd(&stream);
  if (!whole) {
    throw std::logic_error("gzip: zlib did not take all bytes");
  }
  return output;
}

std::string gunzip(std::string_view bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, kMaxWindow + kGzipForm) != Z_OK) {
    throw std::bad_alloc();
  }
  set_input(stream, bytes);
  std::string output;
  std::array<char, kPieceBytes> piece{};
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    code = inflate(&stream, Z_NO_FLUSH);
    output.append(piece.data(), piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END || stream.avail_in > 0) {
    throw Error(ErrorCode::kInvalidData, "compressed data: cut off or damaged");
  }
  return output;
}

}  // namespace crudbench
