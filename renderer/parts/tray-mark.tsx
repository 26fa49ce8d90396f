import { useId } from 'react';
import type { TrayState } from '../../src/contract/problems.ts';
import { GLYPHS } from './glyph-shapes.ts';

const SOLID = GLYPHS.stored[0]?.d ?? '';
const OCTAGON = GLYPHS.failed[0]?.d ?? '';
const ROUND = { strokeLinecap: 'round', strokeLinejoin: 'round', fill: 'none' } as const;

/** A solid shape with a line cut out of it, so that whatever lies behind shows through. */
function CutOut({ shape, cut, width }: { shape: string; cut: string; width: number }) {
  const mask = useId();
  return (
    <>
      <mask id={mask}>
        <rect width="16" height="16" fill="#fff" />
        <path d={cut} stroke="#000" strokeWidth={width} {...ROUND} />
      </mask>
      <path d={shape} fill="currentColor" mask={`url(#${mask})`} />
    </>
  );
}

function Drawing({ state }: { state: TrayState }) {
  const slashMask = useId();
  switch (state) {
    case 'ready':
      return <CutOut shape={SOLID} cut="M4.5 8.4l2.4 2.3 4.6-5.2" width={2} />;
    case 'syncing':
      return (
        <g stroke="currentColor" strokeWidth="1.8" {...ROUND}>
          <rect x="1.9" y="1.9" width="12.2" height="12.2" rx="2.6" />
          <path d="M8 11.5V5M5.3 7.6L8 4.9l2.7 2.7" />
        </g>
      );
    case 'paused':
      return (
        <g fill="currentColor">
          <rect x="1.5" y="1" width="5" height="14" rx="1.5" />
          <rect x="9.5" y="1" width="5" height="14" rx="1.5" />
        </g>
      );
    case 'offline':
      return (
        <g stroke="currentColor" strokeWidth="1.8" {...ROUND}>
          <mask id={slashMask}>
            <rect width="16" height="16" fill="#fff" stroke="none" />
            <path d="M0 16L16 0" stroke="#000" strokeWidth="5" />
          </mask>
          <rect x="1.9" y="1.9" width="12.2" height="12.2" rx="2.6" mask={`url(#${slashMask})`} />
          <path d="M1.7 14.3L14.3 1.7" />
        </g>
      );
    case 'attention':
      return (
        <CutOut
          shape="M6.5 2a1.75 1.75 0 0 1 3 0l5.9 10.4a1.75 1.75 0 0 1-1.5 2.6H2.1a1.75 1.75 0 0 1-1.5-2.6z"
          cut="M8 5.9v3.4M8 12.1v.01"
          width={1.9}
        />
      );
    case 'error':
      return <CutOut shape={OCTAGON} cut="M5.7 5.7l4.6 4.6m0-4.6l-4.6 4.6" width={2} />;
  }
}

/** The tray's drawing of a state: the brand, the verdict and the navigation show the same one. */
export function TrayMark({ state, size = 16 }: { state: TrayState; size?: number }) {
  const rem = `${size / 16}rem`;
  return (
    <svg
      className={`tray-mark tray-${state}`}
      width={rem}
      height={rem}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <Drawing state={state} />
    </svg>
  );
}
