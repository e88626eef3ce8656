/**
 * LongT5 beside transformers (make_longt5.py): lengths below, at and above a block, a last block that is incomplete,
 * left-over tokens, padding.
 */
import { testAnswers } from "../support/models/family-tests.ts";

testAnswers("longt5");
