import { useEffect, useRef, useState } from 'react';

/** No more than one announcement in so long. */
const LIVE_REGION_EVERY_MS = 10_000;

/** Counting down a minute is not news; another state or another number of problems is. */
function gist(sentence: string): string {
  return sentence.replace(/about .*$/, '').replace(/\d+ (second|minute|hour|day)s? ago/, 'ago');
}

/** Says the verdict aloud when it changes, politely, and at most every ten seconds. */
export function LiveRegion({ sentence }: { sentence: string }) {
  const [spoken, setSpoken] = useState('');
  const lastAtMs = useRef(Number.NEGATIVE_INFINITY);
  const lastGist = useRef('');
  useEffect(() => {
    if (sentence === '' || gist(sentence) === lastGist.current) {
      return;
    }
    const waitMs = Math.max(0, lastAtMs.current + LIVE_REGION_EVERY_MS - performance.now());
    const timer = setTimeout(() => {
      lastAtMs.current = performance.now();
      lastGist.current = gist(sentence);
      setSpoken(sentence);
    }, waitMs);
    return () => clearTimeout(timer);
  }, [sentence]);
  return (
    <div className="visually-hidden" role="status" aria-live="polite" data-testid="live-region">
      {spoken}
    </div>
  );
}
