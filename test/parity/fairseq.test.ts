/**
 * METRO-T0 beside its authors' code (make_fairseq.py): learned positions, norms after sublayers, biases, buckets beyond
 * the last, padding.
 */
import { testAnswers } from "../support/models/family-tests.ts";

testAnswers("fairseq");
