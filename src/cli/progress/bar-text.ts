import type { Bar, Stage, StatusSnapshot } from '../../contract/status.ts';
import { durationText, middleCut, plural, rateText, sizeText, stageWords } from '../../contract/words.ts';

export interface TerminalStyle {
  /** Columns that may be written to. */
  readonly width: number;
  readonly hasColor: boolean;
  /** Whether the terminal shows more than ASCII. */
  readonly hasUnicode: boolean;
}

/** Shape before colour: each part has a sign of its own. In the bar's order. */
const PARTS: ReadonlyArray<{ stage: Stage; sign: string; letter: string; color: number }> = [
  { stage: 'saved', sign: '█', letter: 'S', color: 32 },
  { stage: 'stored', sign: '▓', letter: 'T', color: 34 },
  { stage: 'uploading', sign: '▒', letter: 'U', color: 36 },
  { stage: 'filling', sign: '░', letter: 'F', color: 35 },
  { stage: 'waiting', sign: '·', letter: '.', color: 90 },
  { stage: 'failed', sign: '×', letter: 'x', color: 31 },
];

/** Cells for each part: every part that holds anything has one at least, and the whole is `cells`. */
export function cellsOf(bar: Bar, cells: number): number[] {
  const weights = PARTS.map(({ stage }) => bar[stage].bytes + bar[stage].files);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0 || cells <= 0) {
    return PARTS.map(() => 0);
  }
  const exact = weights.map((weight) => (weight * cells) / total);
  const result = exact.map((share, index) =>
    (weights[index] ?? 0) > 0 ? Math.max(1, Math.floor(share)) : 0,
  );
  for (let sum = add(result); sum !== cells; sum = add(result)) {
    const isShort = sum < cells;
    let best = -1;
    for (const [index, count] of result.entries()) {
      if ((weights[index] ?? 0) > 0 && (isShort || count > 1)) {
        const want = (exact[index] ?? 0) - count;
        const bestWant = best < 0 ? 0 : (exact[best] ?? 0) - (result[best] ?? 0);
        if (best < 0 || (isShort ? want > bestWant : want < bestWant)) {
          best = index;
        }
      }
    }
    if (best < 0) {
      break;
    }
    result[best] = (result[best] ?? 0) + (isShort ? 1 : -1);
  }
  return result;
}

const add = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

export function barText(bar: Bar, cells: number, style: TerminalStyle): string {
  return cellsOf(bar, cells)
    .map((count, index) => {
      const part = PARTS[index];
      if (part === undefined || count === 0) {
        return '';
      }
      const text = (style.hasUnicode ? part.sign : part.letter).repeat(count);
      return style.hasColor ? `\u001b[${part.color}m${text}\u001b[0m` : text;
    })
    .join('');
}

/** `█ Saved 1.2 GiB  ▓ Stored 64 MiB`: the parts that hold anything. */
export function legendText(bar: Bar, style: TerminalStyle): string {
  return PARTS.filter(({ stage }) => bar[stage].bytes > 0 || bar[stage].files > 0)
    .map(
      ({ stage, sign, letter }) =>
        `${style.hasUnicode ? sign : letter} ${stageWords[stage]} ${sizeText(bar[stage].bytes)}`,
    )
    .join('  ');
}

const BAR_MAX_CELLS = 60;
const DASH = '—';

/** What a terminal shows while an upload goes on: the bar, the numbers, the sentence. Never wider than the terminal. */
export function progressLines(snapshot: StatusSnapshot, style: TerminalStyle): string[] {
  const { bar, throughput } = snapshot;
  const total = add(PARTS.map(({ stage }) => bar[stage].bytes));
  const files = add(PARTS.map(({ stage }) => bar[stage].files));
  const isComplete =
    snapshot.folders.length > 0 && snapshot.folders.every((folder) => folder.percentSaved === 100);
  const percent = isComplete
    ? 100
    : total === 0
      ? 0
      : Math.min(99, Math.floor((100 * bar.saved.bytes) / total));
  const percentText = `${percent}%`.padStart(4);
  const cells = Math.max(0, Math.min(BAR_MAX_CELLS, style.width - percentText.length - 1));
  const eta =
    throughput.etaSeconds === null ? (style.hasUnicode ? DASH : '-') : durationText(throughput.etaSeconds);
  const numbers = [
    `${plural(files, 'file')}, ${sizeText(total)}`,
    legendText(bar, style),
    rateText(throughput.bytesPerSecond),
    `left ${eta}`,
  ];
  return [
    `${barText(bar, cells, style)}${percentText}`,
    shorten(numbers.filter((one) => one !== '').join('  '), style),
    shorten(snapshot.verdict.sentence, style),
  ];
}

function shorten(text: string, style: TerminalStyle): string {
  return style.hasUnicode ? middleCut(text, style.width) : text.slice(0, style.width);
}
