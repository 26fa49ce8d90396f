import { Button } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import { texts } from '../../words.ts';

/** The frame of every step: a title, its content, and the way on at the foot. */
export function StepPage(props: {
  title: string;
  text: string;
  note?: string;
  actions: ReactNode;
  children: ReactNode;
}) {
  const head = useRef<HTMLHeadingElement>(null);
  // a new step starts being read at its title
  useEffect(() => head.current?.focus({ preventScroll: true }), []);
  return (
    <main className="step-page">
      <h1 ref={head} tabIndex={-1}>
        {props.title}
      </h1>
      <p className="lead">{props.text}</p>
      <div className="step-content">{props.children}</div>
      <footer className="step-foot">
        <span className="grow small quieter">{props.note}</span>
        {props.actions}
      </footer>
    </main>
  );
}

/** Back and the way on. */
export function StepButtons(props: {
  onBack: (() => void) | null;
  next: string;
  onNext: () => void;
  ready: boolean;
  icon?: ReactNode;
  busy?: boolean;
}) {
  return (
    <>
      {props.onBack !== null && <Button onClick={props.onBack}>{texts.common.back}</Button>}
      <Button
        variant="filled"
        onClick={props.onNext}
        disabled={!props.ready}
        loading={props.busy === true}
        leftSection={props.icon}
      >
        {props.next}
      </Button>
    </>
  );
}
