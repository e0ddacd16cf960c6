#include "bench/xapian_peer.h"

#include <string>
#include <xapian.h>

namespace crudbench::bench {

struct XapianPeer::State {
  Xapian::Database database;
};

XapianPeer::XapianPeer(const Postings& postings, const std::filesystem::path& folder) {
  std::vector<Xapian::Document> documents(postings.chunk_count());
  for (WordIndex word = 0; word < postings.word_count(); ++word) {
    const std::string term = std::to_string(word);
    for (std::uint64_t p = postings.begin(word); p < postings.end(word); ++p) {
      documents[postings.chunks()[p]].add_term(term, postings.frequencies()[p]);
    }
  }
  Xapian::WritableDatabase database(folder.string(), Xapian::DB_CREATE);
  for (Xapian::Document& document : documents) {
    database.add_document(document);
    document = Xapian::Document();
  }
  database.commit();
  state_ = std::make_unique<State>(State{Xapian::Database(folder.string())});
}

XapianPeer::~XapianPeer() = default;

std::vector<ChunkIndex> XapianPeer::search(std::span<const QueryWord> query, std::size_t top_k,
                                           double k1, double b) const {
  std::vector<std::string> terms;
  for (const QueryWord& word : query) {
    terms.push_back(std::to_string(word.word));
  }
  Xapian::Enquire enquire(state_->database);
  enquire.set_query(Xapian::Query(Xapian::Query::OP_OR, terms.begin(), terms.end()));
  constexpr double kNone = 0.0;  // k2, k3 and the least normalised length
  enquire.set_weighting_scheme(Xapian::BM25Weight(k1, kNone, kNone, b, kNone));
  const Xapian::MSet found = enquire.get_mset(0, static_cast<Xapian::doccount>(top_k));
  std::vector<ChunkIndex> chunks;
  for (auto hit = found.begin(); hit != found.end(); ++hit) {
    chunks.push_back(*hit - 1);  // Xapian counts from 1.
  }
  return chunks;
}

}  // namespace crudbench::bench
