/** One case at its sizes. */
export interface Growth {
  readonly title: string;
  /** What is counted on the x axis: files, MiB. */
  readonly unit: string;
  readonly points: ReadonlyArray<readonly [size: number, seconds: number]>;
  /** Of the last decade, the one that start-up no longer hides. */
  readonly exponent: number;
}

const PANEL = { width: 250, height: 170, left: 46, right: 14, top: 40, bottom: 34 };
const COLUMNS = 3;

const STYLE = `
  text { font: 11px system-ui, sans-serif; fill: #57606a; }
  .title { font-weight: 600; fill: #1f2328; }
  .axis { stroke: #d0d7de; fill: none; }
  .limit { stroke: #8c959f; stroke-dasharray: 4 3; fill: none; }
  .line { stroke: #0969da; stroke-width: 2; fill: none; }
  .point { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; }
    .title { fill: #f0f6fc; }
    .axis { stroke: #3d444d; }
    .limit { stroke: #848d97; }
    .line { stroke: #4493f8; }
    .point { fill: #4493f8; }
  }`;

const text = (value: number) =>
  value >= 1e6 ? `${value / 1e6} M` : value >= 1e3 ? `${value / 1e3} k` : String(value);

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** Seconds over size, both logarithmic, a panel a case; dashed what n·log n from the first point would be. */
export function growthChart(all: readonly Growth[]): string {
  const rows = Math.ceil(all.length / COLUMNS);
  const panels = all.map((growth, index) => {
    const x = (index % COLUMNS) * PANEL.width;
    const y = Math.floor(index / COLUMNS) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${panel(growth)}</g>`;
  });
  const size = [COLUMNS * PANEL.width, rows * PANEL.height] as const;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.join(' ')}" width="${size[0]}" height="${size[1]}" role="img">
<title>How the seconds of each case grow with its size</title>
<style>${STYLE}
</style>
${panels.join('\n')}
</svg>
`;
}

function panel({ title, unit, points, exponent }: Growth): string {
  const first = points[0];
  if (first === undefined) {
    return '';
  }
  const nLogN = (size: number) => (first[1] * size * Math.log(size)) / (first[0] * Math.log(first[0]));
  const sizes = points.map(([size]) => size);
  const seconds = points.map(([, value]) => value);
  const decades = [
    10 ** Math.floor(Math.log10(Math.min(...seconds))),
    10 ** Math.ceil(Math.log10(Math.max(...seconds, 10 * Math.min(...seconds)))),
  ] as const;
  const atX = scale([Math.min(...sizes), Math.max(...sizes)], [PANEL.left, PANEL.width - PANEL.right]);
  const atY = scale(decades, [PANEL.height - PANEL.bottom, PANEL.top]);
  const line = points.map(([size, value]) => `${atX(size)},${atY(value)}`).join(' ');
  // only as far as the panel goes
  const reach = sizes
    .flatMap((size) => [size, size * 2, size * 5])
    .filter((size) => size <= Math.max(...sizes) && nLogN(size) <= decades[1])
    .map((size) => `${atX(size)},${atY(nLogN(size))}`);
  const floor = PANEL.height - PANEL.bottom;
  return [
    `<text class="title" x="8" y="16">${escaped(title)}</text>`,
    `<text x="8" y="30">n^${exponent.toFixed(2)} in the last decade</text>`,
    `<path class="axis" d="M${PANEL.left} ${PANEL.top}V${floor}H${PANEL.width - PANEL.right}"/>`,
    ...decades.map(
      (value) =>
        `<text x="${PANEL.left - 4}" y="${atY(value) + 4}" text-anchor="end">${text(value)} s</text>`,
    ),
    ...points.map(([size], index) => {
      const anchor = index === 0 ? 'start' : index === points.length - 1 ? 'end' : 'middle';
      const label = index === points.length - 1 ? `${text(size)} ${unit}` : text(size);
      return `<text x="${atX(size)}" y="${floor + 15}" text-anchor="${anchor}">${escaped(label)}</text>`;
    }),
    `<polyline class="limit" points="${reach.join(' ')}"/>`,
    `<polyline class="line" points="${line}"/>`,
    ...points.map(([size, value]) => `<circle class="point" cx="${atX(size)}" cy="${atY(value)}" r="3.5"/>`),
  ].join('');
}

function scale(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): (value: number) => number {
  return (value) =>
    Math.round(10 * (start + ((end - start) * Math.log(value / from)) / Math.log(to / from))) / 10;
}
