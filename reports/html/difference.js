// Where two texts differ, word by word.

const maxDifferenceCells = 4e6; // Of the table of common subsequences: 2,000 × 2,000 words.

function wordsOf(text, language) {
  if (typeof Intl.Segmenter === "function") {
    return [...new Intl.Segmenter(language, { granularity: "word" }).segment(text)].map(({ segment }) => segment);
  }
  return [...text];
}

// The longest common subsequence of two lists of words: for each list, which words are in it.
// undefined where the texts are too long for it.
function commonWords(left, right) {
  let begin = 0;
  while (begin < left.length && begin < right.length && left[begin] === right[begin]) {
    ++begin;
  }
  let end = 0;
  while (end < left.length - begin && end < right.length - begin && left[left.length - 1 - end] === right[right.length - 1 - end]) {
    ++end;
  }
  const rows = left.length - begin - end;
  const columns = right.length - begin - end;
  if (rows * columns > maxDifferenceCells) {
    return undefined;
  }
  const width = columns + 1;
  const lengths = new Uint16Array((rows + 1) * width);
  for (let i = rows - 1; i >= 0; --i) {
    for (let j = columns - 1; j >= 0; --j) {
      lengths[i * width + j] = left[begin + i] === right[begin + j]
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const inBoth = (list, tail) => list.map((_, i) => i < begin || i >= list.length - tail);
  const [leftCommon, rightCommon] = [inBoth(left, end), inBoth(right, end)];
  for (let i = 0, j = 0; i < rows && j < columns;) {
    if (left[begin + i] === right[begin + j]) {
      leftCommon[begin + i++] = true;
      rightCommon[begin + j++] = true;
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
  return { left: leftCommon, right: rightCommon };
}

// A text in which what the other one lacks is marked.
function markedText(words, common, tag, className) {
  const fragment = document.createDocumentFragment();
  for (let begin = 0; begin < words.length;) {
    let end = begin + 1;
    while (end < words.length && common[end] === common[begin]) {
      ++end;
    }
    const text = words.slice(begin, end).join("");
    fragment.append(common[begin] || text.trim() === "" ? text : element(tag, { class: className }, text));
    begin = end;
  }
  return fragment;
}

// {prediction, reference}: both as nodes, differences marked; `marked` false where they are too long.
function differenceOf(prediction, reference) {
  const [left, right] = [wordsOf(prediction, "zh"), wordsOf(reference, "zh")];
  const common = commonWords(left, right);
  return common
    ? { prediction: markedText(left, common.left, "ins", "extra"), reference: markedText(right, common.right, "del", "lacking"), marked: true }
    : { prediction, reference, marked: false };
}
