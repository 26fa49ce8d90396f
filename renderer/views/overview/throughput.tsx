import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { rateText } from '../../../src/contract/words.ts';
import { speedText } from '../../format.ts';
import { texts } from '../../words.ts';

type Throughput = StatusSnapshot['throughput'];

const MIB = 1024 * 1024;
const SAMPLES = 300;
const RATE_WINDOW_S = 10;
const HEIGHT_REM = 6.125;

const token = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const remPx = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

/** Diagonal stripes for bytes that needed no sending. */
function stripes(context: CanvasRenderingContext2D, color: string): CanvasPattern | string {
  const tile = document.createElement('canvas');
  const size = 6 * devicePixelRatio;
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext('2d');
  if (pen === null) {
    return color;
  }
  pen.strokeStyle = color;
  pen.lineWidth = 1.5 * devicePixelRatio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, 'repeat') ?? color;
}

/** Of each second the mean of the ten before it, as the rate beside the chart is: blocks of 64 MiB arrive in bursts. */
function smooth(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value, index) => {
    sum += value - (values[index - RATE_WINDOW_S] ?? 0);
    return Math.max(0, sum / Math.min(index + 1, RATE_WINDOW_S));
  });
}

/** Seconds ago, bytes sent, and on top of them bytes reused; always five minutes wide. */
function columns(throughput: Throughput): uPlot.AlignedData {
  const samples = throughput.samples.slice(-SAMPLES);
  const at = samples.map((_, index) => index - samples.length + 1);
  const sent = smooth(samples.map((sample) => sample.sent / MIB));
  const both = smooth(samples.map((sample) => (sample.sent + sample.reused) / MIB));
  return [at, both, sent];
}

/** A rounded top for the scale: 1, 2, 4, 6, 8 or 10 times a power of ten, so that its half is round too. */
function roundTop(mibPerSecond: number): number {
  const least = Math.max(1, mibPerSecond);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 4, 6, 8, 10].find((factor) => factor * power >= least) ?? 10;
  return step * power;
}

function options(width: number, throughput: () => Throughput): uPlot.Options {
  const limitMib = () => throughput().limitBytesPerSecond / MIB;
  const font = `${remPx() * 0.6875}px ${getComputedStyle(document.body).fontFamily}`;
  const top = (max: number) => (limitMib() > 0 && max <= limitMib() * 1.2 ? limitMib() : roundTop(max));
  return {
    width,
    height: HEIGHT_REM * remPx(),
    cursor: { show: false },
    legend: { show: false },
    padding: [8, 2, 4, 0],
    scales: {
      x: { time: false, range: () => [1 - SAMPLES, 0] },
      y: { range: (_plot, _min, max) => [0, Math.max(top(max ?? 0) * 1.02, (max ?? 0) * 1.02)] },
    },
    series: [
      {},
      { stroke: token('uploading'), width: 0, points: { show: false } },
      { stroke: token('uploading'), width: 1.75, fill: token('uploading-tint'), points: { show: false } },
    ],
    bands: [{ series: [1, 2], fill: (plot) => stripes(plot.ctx, token('uploading')) as string }],
    axes: [
      { show: false },
      {
        splits: (plot) => {
          const high = top(Math.max(0, ...(plot.data[1] ?? []).map((value) => value ?? 0)));
          return [0, high / 2, high];
        },
        values: (_plot, splits) => splits.map((value) => String(Number(value.toPrecision(3)))),
        font,
        stroke: token('ink-3'),
        grid: { stroke: token('line'), width: 1 },
        ticks: { show: false },
        size: 2.25 * remPx(),
        gap: 8,
      },
    ],
    hooks: {
      draw: [
        (plot) => {
          const limit = limitMib();
          if (limit <= 0) {
            return;
          }
          const y = plot.valToPos(limit, 'y', true);
          const pen = plot.ctx;
          pen.save();
          pen.beginPath();
          pen.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
          pen.strokeStyle = token('ink-3');
          pen.lineWidth = 1.25 * devicePixelRatio;
          pen.moveTo(plot.bbox.left, y);
          pen.lineTo(plot.bbox.left + plot.bbox.width, y);
          pen.stroke();
          pen.restore();
        },
      ],
    },
  };
}

/** Five minutes of what Keep accepted; decoration for those who read the number beside it. */
function Sparkline({ throughput }: { throughput: Throughput }) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const newest = useRef(throughput);
  newest.current = throughput;

  useEffect(() => {
    const place = host.current;
    if (place === null) {
      return;
    }
    const make = () => {
      chart.current?.destroy();
      chart.current = new uPlot(
        options(place.clientWidth, () => newest.current),
        columns(newest.current),
        place,
      );
    };
    const dark = matchMedia('(prefers-color-scheme: dark)');
    // the scheme's variables change after the media query did
    const later = () => requestAnimationFrame(make);
    make();
    dark.addEventListener('change', later);
    const sizes = new ResizeObserver(() =>
      chart.current?.setSize({ width: place.clientWidth, height: HEIGHT_REM * remPx() }),
    );
    sizes.observe(place);
    return () => {
      sizes.disconnect();
      dark.removeEventListener('change', later);
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setData(columns(throughput));
  }, [throughput]);

  const limit = throughput.limitBytesPerSecond > 0 ? rateText(throughput.limitBytesPerSecond) : null;
  return (
    <div
      ref={host}
      className="sparkline"
      role="img"
      aria-label={texts.throughput.chart(speedText(throughput.bytesPerSecond), limit)}
    />
  );
}

/** How fast it goes, with the last five minutes. */
export function ThroughputCard({ throughput }: { throughput: Throughput }) {
  const moving = throughput.bytesPerSecond >= 1;
  return (
    <section className="card throughput" aria-label={texts.throughput.title}>
      <div>
        <div className="small quieter">{texts.throughput.title}</div>
        <div className="rate">{speedText(throughput.bytesPerSecond)}</div>
        <ul className="legend legend-column">
          {!moving && throughput.sentBytes > 0 && <li>{texts.throughput.sent(throughput.sentBytes)}</li>}
          {throughput.reusedBytes > 0 && (
            <li>
              <i className="key-reused" aria-hidden="true" />
              {texts.throughput.reused(throughput.reusedBytes)}
            </li>
          )}
          {throughput.limitBytesPerSecond > 0 && (
            <li>
              <i className="key-limit" aria-hidden="true" />
              {texts.throughput.limit(rateText(throughput.limitBytesPerSecond))}
            </li>
          )}
        </ul>
      </div>
      <div className="chart">
        <Sparkline throughput={throughput} />
        <div className="chart-ends" aria-hidden="true">
          <span>{texts.throughput.ago}</span>
          <span>{texts.throughput.now}</span>
        </div>
      </div>
    </section>
  );
}
