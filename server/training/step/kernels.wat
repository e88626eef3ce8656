;; Loops over four float32 values at a time. Counts are multiples of four, and at least four. Sums are kept in float64:
;; the lower and the upper two of four values are promoted separately.
(module
  (import "kernels" "memory" (memory 1))

  ;; The sum of the squares of the values.
  (func (export "squares") (param $values i32) (param $count i32) (result f64)
    (local $x v128) (local $low v128) (local $high v128) (local $sum v128)
    (loop $next
      (local.set $x (v128.load align=4 (local.get $values)))
      (local.set $low (f64x2.promote_low_f32x4 (local.get $x)))
      (local.set $high (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $x) (local.get $x))))
      (local.set $sum (f64x2.add (local.get $sum) (f64x2.add
        (f64x2.mul (local.get $low) (local.get $low))
        (f64x2.mul (local.get $high) (local.get $high)))))
      (local.set $values (i32.add (local.get $values) (i32.const 16)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 4)))))
    (f64.add (f64x2.extract_lane 0 (local.get $sum)) (f64x2.extract_lane 1 (local.get $sum))))

  ;; sums[i] += others[i]
  (func (export "add") (param $sums i32) (param $others i32) (param $count i32)
    (loop $next
      (v128.store align=4 (local.get $sums)
        (f32x4.add (v128.load align=4 (local.get $sums)) (v128.load align=4 (local.get $others))))
      (local.set $sums (i32.add (local.get $sums) (i32.const 16)))
      (local.set $others (i32.add (local.get $others) (i32.const 16)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 4))))))

  ;; One step of AdamW. $rest1 is 1 - $beta1 and $rest2 is 1 - $beta2.
  ;; With g scaled: m = m * beta1 + g * rest1, v = v * beta2 + g * g * rest2,
  ;; w = w * keep - m * stepSize / (sqrt(v) * root + epsilon).
  (func (export "adamw")
    (param $w i32) (param $g i32) (param $m i32) (param $v i32) (param $count i32)
    (param $scale f32) (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32)
    (param $stepSize f32) (param $root f32) (param $epsilon f32) (param $keep f32)
    (local $gradient v128) (local $first v128) (local $second v128)
    (loop $next
      (local.set $gradient (f32x4.mul (v128.load align=4 (local.get $g)) (f32x4.splat (local.get $scale))))
      (local.set $first (f32x4.add
        (f32x4.mul (v128.load align=4 (local.get $m)) (f32x4.splat (local.get $beta1)))
        (f32x4.mul (local.get $gradient) (f32x4.splat (local.get $rest1)))))
      (local.set $second (f32x4.add
        (f32x4.mul (v128.load align=4 (local.get $v)) (f32x4.splat (local.get $beta2)))
        (f32x4.mul (f32x4.mul (local.get $gradient) (local.get $gradient)) (f32x4.splat (local.get $rest2)))))
      (v128.store align=4 (local.get $m) (local.get $first))
      (v128.store align=4 (local.get $v) (local.get $second))
      (v128.store align=4 (local.get $w) (f32x4.sub
        (f32x4.mul (v128.load align=4 (local.get $w)) (f32x4.splat (local.get $keep)))
        (f32x4.div
          (f32x4.mul (local.get $first) (f32x4.splat (local.get $stepSize)))
          (f32x4.add
            (f32x4.mul (f32x4.sqrt (local.get $second)) (f32x4.splat (local.get $root)))
            (f32x4.splat (local.get $epsilon))))))
      (local.set $w (i32.add (local.get $w) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 4))))))

  ;; The sum of the squares of a row; each square is also added to the sums of its column, which are float64.
  (func (export "rowSquares") (param $row i32) (param $columnSums i32) (param $count i32) (result f64)
    (local $x v128) (local $low v128) (local $high v128) (local $sum v128)
    (loop $next
      (local.set $x (v128.load align=4 (local.get $row)))
      (local.set $low (f64x2.promote_low_f32x4 (local.get $x)))
      (local.set $low (f64x2.mul (local.get $low) (local.get $low)))
      (local.set $high (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $x) (local.get $x))))
      (local.set $high (f64x2.mul (local.get $high) (local.get $high)))
      (v128.store align=4 (local.get $columnSums)
        (f64x2.add (v128.load align=4 (local.get $columnSums)) (local.get $low)))
      (v128.store offset=16 align=4 (local.get $columnSums)
        (f64x2.add (v128.load offset=16 align=4 (local.get $columnSums)) (local.get $high)))
      (local.set $sum (f64x2.add (local.get $sum) (f64x2.add (local.get $low) (local.get $high))))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (local.set $columnSums (i32.add (local.get $columnSums) (i32.const 32)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 4)))))
    (f64.add (f64x2.extract_lane 0 (local.get $sum)) (f64x2.extract_lane 1 (local.get $sum))))

  ;; The sum of the squares of a row, each value multiplied by its column's factor first.
  (func (export "rowScaled") (param $row i32) (param $columns i32) (param $count i32) (result f64)
    (local $x v128) (local $low v128) (local $high v128) (local $sum v128)
    (loop $next
      (local.set $x (f32x4.mul (v128.load align=4 (local.get $row)) (v128.load align=4 (local.get $columns))))
      (local.set $low (f64x2.promote_low_f32x4 (local.get $x)))
      (local.set $high (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $x) (local.get $x))))
      (local.set $sum (f64x2.add (local.get $sum) (f64x2.add
        (f64x2.mul (local.get $low) (local.get $low))
        (f64x2.mul (local.get $high) (local.get $high)))))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (local.set $columns (i32.add (local.get $columns) (i32.const 16)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 4)))))
    (f64.add (f64x2.extract_lane 0 (local.get $sum)) (f64x2.extract_lane 1 (local.get $sum))))

  ;; weights[i] = weights[i] * keep - gradients[i] * columns[i] * row
  (func (export "rowApply")
    (param $weights i32) (param $gradients i32) (param $columns i32) (param $count i32)
    (param $row f32) (param $keep f32)
    (loop $next
      (v128.store align=4 (local.get $weights) (f32x4.sub
        (f32x4.mul (v128.load align=4 (local.get $weights)) (f32x4.splat (local.get $keep)))
        (f32x4.mul
          (v128.load align=4 (local.get $gradients))
          (f32x4.mul (v128.load align=4 (local.get $columns)) (f32x4.splat (local.get $row))))))
      (local.set $weights (i32.add (local.get $weights) (i32.const 16)))
      (local.set $gradients (i32.add (local.get $gradients) (i32.const 16)))
      (local.set $columns (i32.add (local.get $columns) (i32.const 16)))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 4)))))))
