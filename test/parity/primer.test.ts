/** Primer beside transformers (make_primer.py): inputs shorter than a kernel, padding, tokens one by one, beams. */
import { testAnswers } from "../support/family-tests.ts";

testAnswers("primer");
