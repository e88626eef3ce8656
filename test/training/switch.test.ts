/** Losses and gradients of Switch Transformers beside PyTorch's (test/fixtures/parity/make_switch.py). */
import { testGradients } from "../support/models/family-tests.ts";

testGradients("switch");
