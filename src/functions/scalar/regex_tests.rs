//! Tests of the functions of regular expressions, and of the dialect.

use expect_test::expect;

use super::testing::check;

#[test]
fn functions() {
    check(
        &[
            "REGEXP_EXTRACT('(.*) (.*)', 'steven zhang', 2)",
            "REGEXP_EXTRACT('(.*) (.*)', 'agavra', 2)",
            "REGEXP_EXTRACT('(.*) (.*)', 'a b', 3)",
            "REGEXP_EXTRACT('(.*) (.*)', 'a b', -1)",
            "REGEXP_EXTRACT('.*', 'b')",
            "REGEXP_EXTRACT(NULL, 'b')",
            "REGEXP_EXTRACT('(', 'b')",
            "REGEXP_EXTRACT_ALL('(\\w+) (\\w*)', 'apurva mehta agavra ', 2)",
            "REGEXP_EXTRACT_ALL('(\\w+) (\\w*)', 'agavra', 2)",
            "REGEXP_EXTRACT_ALL('a(b)?', 'abaab', 1)",
            "REGEXP_EXTRACT_ALL('a(b)?', 'abaab', 7)",
            "REGEXP_REPLACE('foobar', '(o+)', '<$1>')",
            "REGEXP_REPLACE('foobar', '(?<os>o+)', '\\$${os}$12')",
            "REGEXP_REPLACE('foobar', 'o', '$1')",
            "REGEXP_REPLACE('foobar', 'o', '$')",
            "REGEXP_REPLACE('abc', '', '-')",
            "REGEXP_REPLACE('baaac', 'a*', 'X')",
            "REGEXP_SPLIT_TO_ARRAY('xxaxbx', 'x')",
            "REGEXP_SPLIT_TO_ARRAY('abc', '')",
            "REGEXP_SPLIT_TO_ARRAY('aXbYc', '[XY]')",
            "REGEXP_SPLIT_TO_ARRAY('a1b22', '\\d*')",
            "REGEXP_SPLIT_TO_ARRAY('z', 'x-y')",
            "REGEXP_SPLIT_TO_ARRAY('z', NULL)",
            "REGEXP_EXTRACT('(x+x+)+y(?=z)', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')",
        ],
        expect![[r#"
            REGEXP_EXTRACT('(.*) (.*)', 'steven zhang', 2) -> zhang
            REGEXP_EXTRACT('(.*) (.*)', 'agavra', 2) -> NULL
            REGEXP_EXTRACT('(.*) (.*)', 'a b', 3) -> NULL
            REGEXP_EXTRACT('(.*) (.*)', 'a b', -1) -> NULL
            REGEXP_EXTRACT('.*', 'b') -> b
            REGEXP_EXTRACT(NULL, 'b') -> NULL
            REGEXP_EXTRACT('(', 'b') -> error: invalid regular expression '(': a ( is not closed
            REGEXP_EXTRACT_ALL('(\w+) (\w*)', 'apurva mehta agavra ', 2) -> [mehta, ]
            REGEXP_EXTRACT_ALL('(\w+) (\w*)', 'agavra', 2) -> []
            REGEXP_EXTRACT_ALL('a(b)?', 'abaab', 1) -> [b, NULL, b]
            REGEXP_EXTRACT_ALL('a(b)?', 'abaab', 7) -> NULL
            REGEXP_REPLACE('foobar', '(o+)', '<$1>') -> f<oo>bar
            REGEXP_REPLACE('foobar', '(?<os>o+)', '\$${os}$12') -> f$oooo2bar
            REGEXP_REPLACE('foobar', 'o', '$1') -> error: there is no group 1
            REGEXP_REPLACE('foobar', 'o', '$') -> error: a $ of the replacement names no group
            REGEXP_REPLACE('abc', '', '-') -> -a-b-c-
            REGEXP_REPLACE('baaac', 'a*', 'X') -> XbXXcX
            REGEXP_SPLIT_TO_ARRAY('xxaxbx', 'x') -> [, , a, b, ]
            REGEXP_SPLIT_TO_ARRAY('abc', '') -> [a, b, c]
            REGEXP_SPLIT_TO_ARRAY('aXbYc', '[XY]') -> [a, b, c]
            REGEXP_SPLIT_TO_ARRAY('a1b22', '\d*') -> [a, , b]
            REGEXP_SPLIT_TO_ARRAY('z', 'x-y') -> [z]
            REGEXP_SPLIT_TO_ARRAY('z', NULL) -> NULL
            REGEXP_EXTRACT('(x+x+)+y(?=z)', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') -> NULL"#]],
    );
}

#[test]
fn dialect() {
    check(
        &[
            "REGEXP_EXTRACT('\\w+', 'süß')",
            "REGEXP_EXTRACT_ALL('\\d', '1٣2')",
            "REGEXP_EXTRACT('a.c$', 'abc\n')",
            "REGEXP_EXTRACT('(?m)^b$', 'a\nb\nc')",
            "REGEXP_EXTRACT('(?s)a.*', 'a\nb')",
            "REGEXP_EXTRACT('(?i)AB', 'xab')",
            "REGEXP_EXTRACT('(?i:a)b', 'xAb')",
            "REGEXP_EXTRACT('(?x) a  b # comment', 'xab')",
            "REGEXP_EXTRACT('[a-z&&[^bc]]+', 'bcad')",
            "REGEXP_EXTRACT('[]a-]+', 'x-]a')",
            "REGEXP_EXTRACT('[^\\s\\]]+', '] ab')",
            "REGEXP_EXTRACT('[\\w-.]+@', ' a-b.c@d')",
            "REGEXP_EXTRACT('[a-c-e\\x41-\\x43]+', 'd-eB')",
            "REGEXP_EXTRACT('\\Qa.b\\E', 'axb a.b')",
            "REGEXP_EXTRACT('(a)\\1', 'aba aa')",
            "REGEXP_EXTRACT('(?<x>a)\\k<x>', 'aba aa')",
            "REGEXP_EXTRACT('(?<=\\$)\\d+(?!\\d)', 'a12 $34')",
            "REGEXP_EXTRACT('a++b', 'aaab')",
            "REGEXP_EXTRACT('(?>a+)ab', 'aaab')",
            "REGEXP_EXTRACT('a{2,3}?', 'aaaa')",
            "REGEXP_EXTRACT('\\u00fc\\x41\\t', 'xüA\t')",
            "REGEXP_EXTRACT('\\p{Lu}\\p{Alpha}\\P{IsLatin}', 'Äa1')",
            "REGEXP_EXTRACT('\\p{InGreek}', 'x')",
            "REGEXP_EXTRACT('\\y', 'x')",
            "REGEXP_EXTRACT('a**', 'x')",
            "REGEXP_EXTRACT('*a', 'x')",
            "REGEXP_EXTRACT('a)', 'x')",
            "REGEXP_EXTRACT('[a', 'x')",
            "REGEXP_EXTRACT('(?U)a', 'x')",
            "REGEXP_EXTRACT('x{2', 'x')",
            "REGEXP_EXTRACT('<b>\"it''s\" 5%/~#&-{', 'x')",
            "REGEXP_EXTRACT('<b>\"i\" 5%/~#&-!@=,;:_`', '<b>\"i\" 5%/~#&-!@=,;:_`')",
        ],
        expect![[r#"
            REGEXP_EXTRACT('\w+', 'süß') -> s
            REGEXP_EXTRACT_ALL('\d', '1٣2') -> [1, 2]
            REGEXP_EXTRACT('a.c$', 'abc
            ') -> abc
            REGEXP_EXTRACT('(?m)^b$', 'a
            b
            c') -> b
            REGEXP_EXTRACT('(?s)a.*', 'a
            b') -> a
            b
            REGEXP_EXTRACT('(?i)AB', 'xab') -> ab
            REGEXP_EXTRACT('(?i:a)b', 'xAb') -> Ab
            REGEXP_EXTRACT('(?x) a  b # comment', 'xab') -> ab
            REGEXP_EXTRACT('[a-z&&[^bc]]+', 'bcad') -> ad
            REGEXP_EXTRACT('[]a-]+', 'x-]a') -> -]a
            REGEXP_EXTRACT('[^\s\]]+', '] ab') -> ab
            REGEXP_EXTRACT('[\w-.]+@', ' a-b.c@d') -> a-b.c@
            REGEXP_EXTRACT('[a-c-e\x41-\x43]+', 'd-eB') -> -eB
            REGEXP_EXTRACT('\Qa.b\E', 'axb a.b') -> a.b
            REGEXP_EXTRACT('(a)\1', 'aba aa') -> aa
            REGEXP_EXTRACT('(?<x>a)\k<x>', 'aba aa') -> aa
            REGEXP_EXTRACT('(?<=\$)\d+(?!\d)', 'a12 $34') -> 34
            REGEXP_EXTRACT('a++b', 'aaab') -> aaab
            REGEXP_EXTRACT('(?>a+)ab', 'aaab') -> NULL
            REGEXP_EXTRACT('a{2,3}?', 'aaaa') -> aa
            REGEXP_EXTRACT('\u00fc\x41\t', 'xüA	') -> üA	
            REGEXP_EXTRACT('\p{Lu}\p{Alpha}\P{IsLatin}', 'Äa1') -> Äa1
            REGEXP_EXTRACT('\p{InGreek}', 'x') -> error: invalid regular expression '\p{InGreek}': \p{InGreek} is not supported
            REGEXP_EXTRACT('\y', 'x') -> error: invalid regular expression '\y': \y is no escape
            REGEXP_EXTRACT('a**', 'x') -> error: invalid regular expression 'a**': nothing stands before *
            REGEXP_EXTRACT('*a', 'x') -> error: invalid regular expression '*a': nothing stands before *
            REGEXP_EXTRACT('a)', 'x') -> error: invalid regular expression 'a)': a ) has no (
            REGEXP_EXTRACT('[a', 'x') -> error: invalid regular expression '[a': a [ is not closed
            REGEXP_EXTRACT('(?U)a', 'x') -> error: invalid regular expression '(?U)a': the flag U is not supported
            REGEXP_EXTRACT('x{2', 'x') -> error: invalid regular expression 'x{2': a { is not closed
            REGEXP_EXTRACT('<b>"it''s" 5%/~#&-{', 'x') -> error: invalid regular expression '<b>"it's" 5%/~#&-{': a { is not closed
            REGEXP_EXTRACT('<b>"i" 5%/~#&-!@=,;:_`', '<b>"i" 5%/~#&-!@=,;:_`') -> <b>"i" 5%/~#&-!@=,;:_`"#]],
    );
}

proptest::proptest! {
    #[test]
    fn any_pattern_is_taken_or_refused(pattern in "[ab().*+?|\\[\\]^$\\\\wdsQEp{}<>:=!,1&#-]{0,14}", text in "[ab1 \n]{0,8}") {
        if let Ok(regex) = super::regex::compiled(&pattern) {
            let _ = regex.captures(&text);
        }
    }
}
