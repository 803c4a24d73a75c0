//! Text in columns.

use crate::output::escape::one_line;

/// Rows as lines whose cells stand below each other: a column is at least ten wide, three between two (kubeadm's
/// tables). Lines do not end in blanks.
pub(crate) fn columns<R: AsRef<[String]>>(rows: &[R]) -> String {
    const LEAST: usize = 10;
    const BETWEEN: usize = 3;
    // Names in certificates are whatever their issuer wrote.
    let rows: Vec<Vec<_>> =
        rows.iter().map(|row| row.as_ref().iter().map(|cell| one_line(cell)).collect()).collect();
    let count = rows.iter().map(|r| r.len()).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|r| r.get(column));
        cells.map(|c| c.chars().count() + BETWEEN).max().unwrap_or(0).max(LEAST)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_stand_below_each_other() {
        let rows =
            [["NAME", "A", "B"], ["x", "", "é"], ["a long name", "1", ""]].map(|r| r.map(str::to_owned));
        assert_eq!(columns(&rows), "NAME          A         B\nx                       é\na long name   1\n");
    }
}
