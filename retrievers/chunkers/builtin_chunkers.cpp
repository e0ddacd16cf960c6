#include "retrievers/chunkers/builtin_chunkers.h"

namespace crudbench {

void add_builtin_chunkers(Catalog& catalog) {
  catalog.chunkers.add("document", document_chunker());
  catalog.chunkers.add("fixed", fixed_chunker());
  catalog.chunkers.add("import", import_chunker());
  catalog.chunkers.add("paragraph", paragraph_chunker());
  catalog.chunkers.add("recursive", recursive_chunker());
  catalog.chunkers.add("semantic", semantic_chunker());
  catalog.chunkers.add("sentence", sentence_chunker());
  catalog.chunkers.add("window", window_chunker());
}

}  // namespace crudbench
