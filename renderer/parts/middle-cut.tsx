/** How much of the end stays when a long name does not fit. */
const TAIL_CHARACTERS = 7;

/** A long name, cut in the middle where it does not fit: run folders differ at both ends. */
export function MiddleCut({ text, tail = TAIL_CHARACTERS }: { text: string; tail?: number }) {
  if (text.length <= tail * 2) {
    return <span className="cut">{text}</span>;
  }
  return (
    <span className="middle-cut" title={text}>
      <span className="head">{text.slice(0, -tail)}</span>
      <span className="tail">{text.slice(-tail)}</span>
    </span>
  );
}
