use super::*;

#[test]
fn values_are_read_as_go_reads_them() {
    for (kind, good, bad) in [
        ("bool", &["true", "T", "0", "False"][..], &["yes", "no", "", "on", "tRUE"][..]),
        (
            "int",
            &["0", "-3", "+3", "0x1F", "0777", "0b11", "0x_1f", "1_000", "9223372036854775807"],
            &["", "30d", "1.0", "1__0", "_1", "08", "9223372036854775808", "1 ", "0x"],
        ),
        ("int32", &["2147483647"], &["2147483648", "3000000000"]),
        ("uint", &["0", "100"], &["-1", "8G"]),
        ("float64", &["0.5", "1e-3", ".5", "5.", "inf", "0x1p-2"], &["", "0,5", "half"]),
        ("duration", &["0", "1h30m", "-5s", "1.5h"], &["", "30d", "5", "1 h"]),
        ("ip", &["192.0.2.1", "::1", "", " ::1 "], &["localhost", "192.0.2", "1.2.3.4:5", "010.0.0.1"]),
        ("ip-or-empty", &["010.0.0.1", ""], &["localhost"]),
        ("pairs", &["a=b,c=d", "", "m,l=a,b"], &["a", "a=b,c,d=e"]),
        ("strings", &["a,b", "", "\"a,b\",c", "\"a\"\"b\"", "a,"], &["\"a", "a\"b\"", "\"a\"b"]),
        ("thresholds", &["memory.available<5%", ""], &["memory.available=5%"]),
        ("level", &["4"], &["-1", "four", "2.5", "2147483648"]),
        ("vmodule", &["a=1,b*=2"], &["a", "=2", "a=x"]),
        ("quantity", &["1Gi", "0"], &["10MB", "1GiB"]),
        ("cert-key", &["a,b", "a,b:x,y", "a,b:c:d"], &["a", "a,b,c"]),
        ("port-range", &["30000-32767", "80+10", "80", ""], &["90-80", "x", "1-70000", "-1"]),
        (
            "urls",
            &["https://192.0.2.1:2379", "http://[::1]:1,http://x:2", "unix://x"],
            &["192.0.2.1:2379", "ftp://x:1", "http://x", "http://x:1/y"],
        ),
        ("int32s", &["1,2", ""], &["1,x"]),
        (
            "taints",
            &["", "a=b:NoSchedule", "a:NoExecute,example.org/a:NoSchedule", "a-", "a:NoSchedule-"],
            &["a", "a=b", "a:Never", "a=b=c:NoSchedule", "a b:NoSchedule", "a:NoSchedule,a=b:NoSchedule"],
        ),
        (
            "reserved-memory",
            &["", "0:memory=1Gi", "0:memory=1Gi,hugepages-2M=4Mi;1:memory=0"],
            &["0", "x:memory=1Gi", "0:memory", "0:cpu=1", "0:memory=1GiB", "0:memory=1Gi:1", ";"],
        ),
    ] {
        for value in good {
            assert_eq!(check(kind, value), Ok(()), "{kind} {value:?}");
        }
        for value in bad {
            assert!(check(kind, value).is_err(), "{kind} {value:?}");
        }
    }
}
