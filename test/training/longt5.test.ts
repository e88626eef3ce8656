/** Losses and gradients of LongT5 beside PyTorch's (test/fixtures/parity/make_longt5.py). */
import { testGradients } from "../support/models/family-tests.ts";

testGradients("longt5");
