import { useEffect, useRef, useState } from 'react';
import { middleCut } from '../../src/contract/words.ts';

/** Measures in the element's own font. */
function fits(element: HTMLElement): (text: string) => boolean {
  const pen = document.createElement('canvas').getContext('2d');
  // the shorthand `font` is empty while figures are tabular
  const { fontStyle, fontWeight, fontSize, fontFamily, letterSpacing } = getComputedStyle(element);
  const spacingPx = Number.parseFloat(letterSpacing) || 0;
  const room = element.clientWidth;
  if (pen === null || room === 0) {
    return () => true;
  }
  pen.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
  return (text) => Math.ceil(pen.measureText(text).width + spacingPx * text.length) <= room;
}

function longestThatFits(element: HTMLElement, text: string): string {
  const hasRoomFor = fits(element);
  if (hasRoomFor(text)) {
    return text;
  }
  let low = 1;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (hasRoomFor(middleCut(text, middle))) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return middleCut(text, low);
}

/** A long name, cut in the middle where it does not fit: run folders differ at both ends. */
export function MiddleCut({ text }: { text: string }) {
  const element = useRef<HTMLSpanElement>(null);
  const [shown, setShown] = useState(text);
  useEffect(() => {
    const place = element.current;
    if (place === null) {
      return;
    }
    const cut = () => setShown(longestThatFits(place, text));
    const sizes = new ResizeObserver(cut);
    sizes.observe(place);
    cut();
    return () => sizes.disconnect();
  }, [text]);
  return (
    <span className="middle-cut" ref={element} title={shown === text ? undefined : text}>
      <span aria-hidden="true">{shown}</span>
      <span className="visually-hidden">{text}</span>
    </span>
  );
}
