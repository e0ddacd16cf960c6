// Reading the data in the page and beside it: Base64 of gzipped text.

async function unpack(base64) {
  const binary = atob(base64.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) {
    bytes[i] = binary.charCodeAt(i);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

const packedText = (id) => unpack(document.getElementById(id).textContent);

// The samples: files of parts (an index, then pages), each part unpacked when it is asked for.
class SampleFiles {
  constructor(reportId, folder) {
    this.reportId = reportId;
    this.folder = folder;
    this.files = new Map(); // Key → promise of the packed parts.
    this.parts = new Map(); // "key/part" → promise of what it holds; the last ones used.
    this.waiting = new Map();
    this.inline = new Map();
    for (const node of document.querySelectorAll("script[data-samples]")) {
      this.inline.set(node.dataset.samples, node);
    }
    // Called by the files of the data folder, which are scripts because a page from a folder may
    // load nothing else.
    window.crudbenchSamples = (id, key, parts) => {
      const waiter = this.waiting.get(key);
      this.waiting.delete(key);
      if (id === this.reportId) {
        waiter?.resolve(parts);
      } else {
        waiter?.reject(new Error(t("samples stale", { file: `${this.folder}/${key}.js` })));
      }
    };
  }

  get any() {
    return this.inline.size > 0 || this.folder !== null;
  }

  file(key) {
    if (!this.files.has(key)) {
      const inline = this.inline.get(key);
      this.files.set(key, inline ? Promise.resolve(JSON.parse(inline.textContent)) : this.load(key));
    }
    return this.files.get(key);
  }

  load(key) {
    return new Promise((resolve, reject) => {
      if (this.folder === null) {
        reject(new Error(t("samples none")));
        return;
      }
      this.waiting.set(key, { resolve, reject });
      const source = `${this.folder}/${key}.js`;
      const script = element("script", { src: source });
      script.addEventListener("load", () => script.remove());
      script.addEventListener("error", () => reject(new Error(t("samples missing", { file: source }))));
      document.head.append(script);
    });
  }

  // What a part holds: 0 is the index, 1 the first page.
  part(key, position) {
    const name = `${key}/${position}`;
    const known = this.parts.get(name) ?? this.file(key).then((parts) => unpack(parts[position])).then(JSON.parse);
    this.parts.delete(name);
    this.parts.set(name, known);
    if (this.parts.size > 64) {
      this.parts.delete(this.parts.keys().next().value);
    }
    return known;
  }

  async row(key, position) {
    const rows = await this.part(key, 1 + Math.floor(position / SampleFiles.pageSize));
    return rows[position % SampleFiles.pageSize];
  }

  // A part that is a plain text: 1 is that of the first sample.
  async text(key, position) {
    const parts = await this.file(key);
    return unpack(parts[position]);
  }

  async allRows(key) {
    const parts = await this.file(key);
    const pages = await Promise.all(parts.slice(1).map((part, position) => this.part(key, position + 1)));
    return pages.flat();
  }
}
SampleFiles.pageSize = 200;
