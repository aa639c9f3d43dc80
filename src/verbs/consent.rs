//! A change needs a yes.

use crate::report::Report;

/// Who says yes to a change.
#[derive(Clone, Copy)]
pub enum Consent<'a> {
    /// It was said beforehand.
    Given,
    /// A person is asked, given the report of what would be done.
    Asked(&'a dyn Fn(&Report) -> bool),
    /// There is nobody to ask.
    Missing,
}

impl Consent<'_> {
    pub fn is_given(self) -> bool {
        matches!(self, Consent::Given)
    }

    /// Whether to do what this preview shows. The error is the report of a run that ends here.
    pub fn to(self, preview: Report) -> Result<(), Box<Report>> {
        match self {
            Consent::Given => Ok(()),
            Consent::Asked(ask) if ask(&preview) => Ok(()),
            Consent::Asked(_) => Err(Box::new(preview.declined())),
            Consent::Missing => Err(Box::new(preview.without_a_yes())),
        }
    }
}
