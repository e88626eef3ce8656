/** Primer beside transformers (make_primer.py): inputs shorter than a kernel, padding, tokens one by one, beams. */
import { testAnswers } from "../support/models/family-tests.ts";

testAnswers("primer");
