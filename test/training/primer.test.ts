/** Losses and gradients of Primer's layers beside PyTorch's (test/fixtures/parity/make_primer.py). */
import { testGradients } from "../support/family-tests.ts";

testGradients("primer");
