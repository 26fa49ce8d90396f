import { type Bar, STAGES } from '../../src/contract/status.ts';
import { sizeText, stageWords } from '../../src/contract/words.ts';
import { texts } from '../words.ts';
import { Glyph } from './glyph.tsx';

function present(bar: Bar) {
  return STAGES.filter((stage) => bar[stage].bytes > 0 || bar[stage].files > 0);
}

/** What a bar says, for those who cannot see it. */
function barInWords(bar: Bar): string {
  const parts = present(bar).map((stage) => `${stageWords[stage]} ${sizeText(bar[stage].bytes)}`);
  return parts.length === 0 ? texts.bar.empty : parts.join(', ');
}

/** Progress, always in the order Saved | Stored | Uploading | Filling | Waiting | Failed. */
export function SegmentedBar({ bar, size = 'md' }: { bar: Bar; size?: 'sm' | 'md' | 'lg' }) {
  const parts = present(bar);
  return (
    <div className={`bar bar-${size}`} role="img" aria-label={barInWords(bar)}>
      {parts.length === 0 && <i className="is-nothing" />}
      {parts.map((stage) => (
        // a file of no bytes is still something: it gets the least width
        <i key={stage} className={`is-${stage}`} style={{ flexGrow: Math.max(bar[stage].bytes, 1) }} />
      ))}
    </div>
  );
}

/** Glyph, word and bytes of each state that occurs. */
export function Legend({ bar }: { bar: Bar }) {
  return (
    <ul className="legend">
      {present(bar).map((stage) => (
        <li key={stage}>
          <Glyph stage={stage} size={14} />
          {stageWords[stage]} <b>{sizeText(bar[stage].bytes)}</b>
        </li>
      ))}
    </ul>
  );
}
