import { describeRandomLives } from '../support/sim-world/random-lives.ts';

describeRandomLives(0, 2);
