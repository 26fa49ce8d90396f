import type { Stage } from '../../src/contract/status.ts';
import { fillingShapes, GLYPHS, type Shape } from './glyph-shapes.ts';

function drawn(shape: Shape) {
  if (shape.paint === 'fill') {
    return <path key={shape.d} d={shape.d} fill="currentColor" />;
  }
  return (
    <path
      key={shape.d}
      d={shape.d}
      className={shape.paint === 'knock' ? 'knock' : undefined}
      fill="none"
      stroke={shape.paint === 'knock' ? undefined : 'currentColor'}
      strokeWidth={shape.width}
      strokeLinecap={shape.dash === undefined ? 'round' : 'butt'}
      strokeLinejoin="round"
      strokeDasharray={shape.dash?.join(' ')}
      strokeDashoffset={shape.dashOffset}
    />
  );
}

export interface GlyphProps {
  readonly stage: Stage;
  /** In px at the normal text size; grows with the text. */
  readonly size?: number;
  /** How full a filling block is, 0 … 1. */
  readonly level?: number;
}

/** One of the six states. Decoration: its word always stands beside it. */
export function Glyph({ stage, size = 16, level }: GlyphProps) {
  const shapes = stage === 'filling' && level !== undefined ? fillingShapes(level) : GLYPHS[stage];
  const rem = `${size / 16}rem`;
  return (
    <svg className={`glyph is-${stage}`} width={rem} height={rem} viewBox="0 0 16 16" aria-hidden="true">
      {shapes.map(drawn)}
    </svg>
  );
}
