;; A WASI component: how many nanoseconds there were between two calls, by the clock that its host gives it.
(component
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (export "now" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core module $stopwatch
    (import "clock" "now" (func $now (result i64)))
    (global $last (mut i64) (i64.const 0))
    (func (export "lap") (result i64) (local $before i64)
      (local.set $before (global.get $last))
      (global.set $last (call $now))
      (i64.sub (global.get $last) (local.get $before)))
    (func (export "spin") (loop (br 0)))
    (func $start (global.set $last (call $now)))
    (start $start))
  (core instance $instance (instantiate $stopwatch
    (with "clock" (instance (export "now" (func $now))))))
  (func (export "lap") (result u64) (canon lift (core func $instance "lap")))
  (func (export "spin") (canon lift (core func $instance "spin"))))
